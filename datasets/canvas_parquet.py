"""Takes single images out of the hub's parquet copy of UnlearnCanvas, whose rows are an image and a caption.

The caption names style and object ("A Bears image in Van Gogh style."). The image's number is the one in its
stored file name; where the rows carry no file name, the rows of one caption count 1, 2, .. in the order in
which they lie."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.utils.files import write_atomically

Key = tuple[str, str, int]
CAPTION = re.compile(r"An? (?P<thing>.+) image in (?P<style>.+) style\.?")
NUMBER = re.compile(r"(\d+)\.\w+$")


class Row(NamedTuple):
    """Where an image lies: the file, the group of rows in it, the place in the group."""

    file: Path
    group: int
    place: int


def names(caption: str) -> tuple[str, str] | None:
    """Style and object of a caption, as folders spell them; None for another text (the seed photographs')."""
    found = CAPTION.fullmatch(caption.strip())
    return (found["style"].replace(" ", "_"), found["thing"].replace(" ", "_")) if found else None


def extract(files: Sequence[Path], wanted: set[Key], to: Path) -> Path:
    """Write the wanted images as `to`/STYLE/OBJECT/NUMBER.jpg, byte for byte, and return `to`; those that are
    there are left alone.

    BadInput: pyarrow is not installed, a file is no such parquet, an image is missing.
    """
    missing = {key for key in wanted if not place(to, key).is_file()}
    if not missing:
        return to
    rows = find(files, missing)
    lost = sorted(missing - set(rows))
    if lost:
        raise BadInput(
            f"dataset unlearn_canvas: {len(lost)} images are not in {files[0].parent}, such as {lost[0]}; "
            "is every file there?"
        )
    for (file, group), same in groupby(sorted(rows, key=rows.__getitem__), key=lambda key: rows[key][:2]):
        images = _group(file, group, ["image"]).column("image")
        for key in same:
            write(place(to, key), images[rows[key].place].as_py()["bytes"])
    return to


def place(to: Path, key: Key) -> Path:
    """The file of an image."""
    style, thing, number = key
    return to / style / thing / f"{number}.jpg"


def write(path: Path, content: bytes) -> None:
    """The whole file or none, also where several processes write it at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def find(files: Sequence[Path], wanted: set[Key]) -> dict[Key, Row]:
    """Where the wanted images lie; only captions and file names are read."""
    seen: Counter[tuple[str, str]] = Counter()
    found: dict[Key, Row] = {}
    for row, caption, file_name in captions(files):
        told = names(caption)
        if told is None:
            continue
        seen[told] += 1
        number = NUMBER.search(file_name or "")
        key = (*told, int(number[1]) if number else seen[told])
        if key in wanted:
            found.setdefault(key, row)
    return found


def captions(files: Sequence[Path]) -> Iterator[tuple[Row, str, str | None]]:
    """Every row's place, caption and stored file name."""
    for file in files:
        for group in range(_open(file).num_row_groups):
            table = _group(file, group, ["text", "image.path"])
            paths = table.column("image").to_pylist() if "image" in table.column_names else [{}] * len(table)
            for index, (text, image) in enumerate(zip(table.column("text").to_pylist(), paths, strict=True)):
                yield Row(file, group, index), text, image.get("path")


def _group(file: Path, group: int, columns: list[str]) -> Any:
    try:
        return _open(file).read_row_group(group, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())}") from error


def _open(file: Path) -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise BadInput(f"reading {file} needs pyarrow: pip install 'cbench[full]'") from error
    try:
        opened = parquet.ParquetFile(file)
        if not {"text", "image"} <= set(opened.schema_arrow.names):
            raise BadInput(f"{file} has no columns image and text")
        return opened
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {' '.join(str(error).split())}") from error
