"""Files in and out: results folders, single runs, pages."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import typer

from cbench.errors import BadInput, unknown
from cbench.record.files import read_record
from cbench.record.record import Record
from cbench.utils.files import write_atomically


class Stored(NamedTuple):
    """A record and the file that holds it."""

    path: Path
    record: Record


def record_paths(folder: Path) -> list[Path]:
    """The record files of a results folder (`<folder>/records`, or the folder itself); BadInput where there
    are none."""
    if folder.is_file():
        raise BadInput(f"{folder} is a file; name the results folder that holds the records")
    home = folder / "records" if (folder / "records").is_dir() else folder
    paths = sorted(home.glob("*.json"), key=lambda path: path.name)
    if not paths:
        raise BadInput(f"no records in {folder}; `cbench run` writes them")
    return paths


def all_paths(folders: Iterable[Path]) -> list[Path]:
    """The record files of some folders, a folder once however often and by whatever path it is named."""
    found = [record_paths(folder) for folder in folders]
    return [
        path for paths in {paths[0].parent.resolve(): paths for paths in found}.values() for path in paths
    ]


@contextmanager
def no_collection() -> Iterator[None]:
    """Python's collector held still: thousands of records that are all kept would only be walked through
    again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def load(folders: Iterable[Path]) -> list[Stored]:
    """All records of some results folders; BadInput names the first that cannot be read."""
    return [Stored(path, read_record(path)) for path in all_paths(folders)]


def find_run(run: str, results: Path) -> Stored:
    """A run by its path, or by its file name in the results folder; BadInput suggests the nearest name."""
    paths = {path.stem: path for path in record_paths(results)} if results.is_dir() else {}
    path = paths.get(run.removesuffix(".json")) or (
        Path(run) if run.endswith(".json") or "/" in run else None
    )
    if path is None and not paths:
        raise BadInput(
            f"no run {run!r}: there are no records in {results}; name its folder with --results, or the "
            "path of its file"
        )
    if path is None:
        raise unknown("run", run, paths)
    return Stored(path, read_record(path))


def save(text: str, path: Path) -> None:
    """Write a file whole or not at all; BadInput where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def deliver(text: str, out: Path | None) -> None:
    """Write the text to a file and say so, or print it."""
    if out is None:
        typer.echo(text.rstrip("\n"))
        return
    save(text, out)
    typer.echo(f"wrote {out}")
