"""Extracts single images from the hub's parquet copy of UnlearnCanvas, whose rows are an image and a caption.

The caption names style and object ("A Bears image in Van Gogh style."). The image's number is that of its
stored file name; without file names, the rows of one caption are numbered 1, 2, .. in file order."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.utils.files import write_file
from cbench.utils.text import one_line

Key = tuple[str, str, int]
CAPTION = re.compile(r"An? (?P<thing>.+) image in (?P<style>.+) style\.?")
NUMBER = re.compile(r"(\d+)\.\w+$")


class Row(NamedTuple):
    """The position of an image: the file, the row group in it, the position in the group."""

    file: Path
    group: int
    position: int


def names(caption: str) -> tuple[str, str] | None:
    """Style and object of a caption, spelled as the folders; None for another text (a seed photograph's)."""
    match = CAPTION.fullmatch(caption.strip())
    return (match["style"].replace(" ", "_"), match["thing"].replace(" ", "_")) if match else None


def extract(files: Sequence[Path], wanted: set[Key], to: Path) -> Path:
    """Write the wanted images as `to`/STYLE/OBJECT/NUMBER.jpg, byte for byte, and return `to`; existing
    images are left alone.

    Raises BadInput if pyarrow is not installed, a file is not such a parquet file, or an image is missing."""
    needed = {key for key in wanted if not image_path(to, key).is_file()}
    if not needed:
        return to
    rows = find(files, needed)
    if missing := sorted(needed - set(rows)):
        raise BadInput(
            f"dataset unlearn_canvas: {len(missing)} images are not in {files[0].parent}, such as "
            f"{missing[0]}; check that every file was downloaded"
        )
    for (file, group), keys in groupby(sorted(rows, key=rows.__getitem__), key=lambda key: rows[key][:2]):
        images = _group(file, group, ["image"]).column("image")
        for key in keys:
            write_file(image_path(to, key), images[rows[key].position].as_py()["bytes"])
    return to


def image_path(to: Path, key: Key) -> Path:
    """The path of an extracted image."""
    style, thing, number = key
    return to / style / thing / f"{number}.jpg"


def find(files: Sequence[Path], wanted: set[Key]) -> dict[Key, Row]:
    """The positions of the wanted images; reads only captions and file names."""
    seen: Counter[tuple[str, str]] = Counter()
    rows: dict[Key, Row] = {}
    for row, caption, file_name in captions(files):
        pair = names(caption)
        if pair is None:
            continue
        seen[pair] += 1
        number = NUMBER.search(file_name or "")
        key = (*pair, int(number[1]) if number else seen[pair])
        if key in wanted:
            rows.setdefault(key, row)
    return rows


def captions(files: Sequence[Path]) -> Iterator[tuple[Row, str, str | None]]:
    """Every row's position, caption and stored file name."""
    for file in files:
        for group in range(_open(file).num_row_groups):
            table = _group(file, group, ["text", "image.path"])
            paths = table.column("image").to_pylist() if "image" in table.column_names else [{}] * len(table)
            texts = table.column("text").to_pylist()
            for index, (text, image) in enumerate(zip(texts, paths, strict=True)):
                yield Row(file, group, index), text, image.get("path")


def _group(file: Path, group: int, columns: list[str]) -> Any:
    try:
        return _open(file).read_row_group(group, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"{file} cannot be read: {one_line(error)}") from error


def _open(file: Path) -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise BadInput(f"reading {file} requires pyarrow: pip install 'cbench[full]'") from error
    try:
        opened = parquet.ParquetFile(file)
        if not {"text", "image"} <= set(opened.schema_arrow.names):
            raise BadInput(f"{file} has no columns image and text")
        return opened
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {one_line(error)}") from error
