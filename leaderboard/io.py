"""Reads results folders and single runs, and writes pages."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput, unknown
from cbench.record.ceilings import Ceiling, read_ceilings
from cbench.record.files import read_record
from cbench.record.record import Record
from cbench.utils.files import write_file


class Stored(NamedTuple):
    """A record and the path of its file."""

    path: Path
    record: Record


def record_paths(folder: Path) -> list[Path]:
    """The record files of a results folder (`<folder>/records`, or the folder itself). Raises BadInput if
    there are none."""
    if folder.is_file():
        raise BadInput(f"{folder} is a file; name the results folder that holds the records")
    home = folder / "records" if (folder / "records").is_dir() else folder
    paths = sorted(home.glob("*.json"), key=lambda path: path.name)
    if not paths:
        raise BadInput(f"no records in {folder}; `cbench run` writes them")
    return paths


def all_paths(folders: Iterable[Path]) -> list[Path]:
    """The record files of some folders; a folder named twice counts once."""
    by_folder = {paths[0].parent.resolve(): paths for paths in map(record_paths, folders)}
    return [path for paths in by_folder.values() for path in paths]


@contextmanager
def no_collection() -> Iterator[None]:
    """Pauses Python's garbage collector: it would scan thousands of records, all in use, again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def load(folders: Iterable[Path]) -> list[Stored]:
    """All records of some results folders. Raises BadInput for the first that cannot be read."""
    return [Stored(path, read_record(path)) for path in all_paths(folders)]


def load_ceilings(folders: Iterable[Path]) -> list[Ceiling]:
    """The ceilings of some results folders, or beside their records. Raises BadInput for an invalid file."""
    homes = {path.resolve() for folder in folders for path in (folder, folder.parent)}
    return [ceiling for home in sorted(homes) for ceiling in read_ceilings(home)]


def find_run(run: str, results: Path) -> Stored:
    """A run by its path, or by its file name in the results folder. Raises BadInput with the nearest name."""
    paths = {path.stem: path for path in record_paths(results)} if results.is_dir() else {}
    path = paths.get(run.removesuffix(".json"))
    if path is None and (run.endswith(".json") or "/" in run):
        path = Path(run)
    if path is None and not paths:
        raise BadInput(
            f"no run {run!r}: there are no records in {results}; name its folder with --results, or the "
            "path of its file"
        )
    if path is None:
        raise unknown("run", run, paths)
    return Stored(path, read_record(path))


def deliver(text: str, out: Path | None) -> str:
    """Write the text to a file; the line to print: `wrote OUT`, or the text itself without a file."""
    if out is None:
        return text.rstrip("\n")
    write_file(out, text)
    return f"wrote {out}"
