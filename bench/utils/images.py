"""Reads images of any format as RGB, and writes and reads lossless contact sheets."""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from cbench.errors import BadInput
from cbench.utils.text import one_line

BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, *BOMB)
"""Pillow's exceptions for a file that is not an image, is damaged, or decompresses to too many pixels."""


def load_image(path: Path) -> Image.Image:
    """The image in a file, rotated as its EXIF says, in 8-bit RGB: transparency is put on white, 16-bit grey
    is scaled.

    Raises BadInput if the file is missing or not an image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _rgb(ImageOps.exif_transpose(image))
    except UNREADABLE as error:
        raise BadInput(f"image {path} cannot be read: {one_line(error)}") from error


def _rgb(image: Image.Image) -> Image.Image:
    # Pillow's own conversion of 16-bit grey clips: nearly everything would be white
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = Image.fromarray(np.round(np.clip(np.asarray(image), 0, 65535) / 257).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def square(image: Image.Image, side: int) -> Image.Image:
    """The centre of the image, scaled so that its shorter side is `side`, cropped to a square."""
    if image.size == (side, side):
        return image
    return ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)


class Crop(NamedTuple):
    """A square of an image, and where it is from."""

    image: Image.Image
    original: tuple[int, int]
    """Height and width of the whole image."""
    corner: tuple[int, int]
    """Top and left of the square in the scaled image."""


def crop_at(image: Image.Image, side: int, resize: str, place: tuple[float, float]) -> Crop:
    """A square of an image scaled so that its shorter side is `side`; `resize` names a filter of Pillow.

    `place`: the square's top and left as shares in [0, 1] of the room that it has; (0.5, 0.5) is the
    centre."""
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    scaled = image.resize((width, height), Image.Resampling[resize.upper()])
    top, left = round(place[0] * (height - side)), round(place[1] * (width - side))
    square = scaled.crop((left, top, left + side, top + side))
    return Crop(square, (image.height, image.width), (top, left))


def write_sheet(images: np.ndarray, columns: int, path: Path) -> None:
    """Write images (n, h, w, 3; uint8) as one PNG: a row for each prompt, a column for each noise."""
    count, height, width, _ = images.shape
    sheet = images.reshape(count // columns, columns, height, width, 3).swapaxes(1, 2)
    Image.fromarray(sheet.reshape(count // columns * height, columns * width, 3)).save(path, compress_level=1)


def read_sheet(path: Path, side: int) -> list[Image.Image]:
    """The images of a sheet, each `side` x `side`, in the order written."""
    with _any_size():
        sheet = load_image(path)
    boxes = [
        (x, y, x + side, y + side) for y in range(0, sheet.height, side) for x in range(0, sheet.width, side)
    ]
    return [sheet.crop(box) for box in boxes]


@contextmanager
def _any_size() -> Iterator[None]:
    """Lifts Pillow's size limit: our own sheets may be larger than any image accepted from outside."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def grid(rows: Sequence[Sequence[Image.Image]], gap: int = 2) -> Image.Image:
    """Rows of equally large images as one picture, with a white gap of `gap` pixels."""
    width, height = rows[0][0].size
    picture = Image.new(
        "RGB", (max(map(len, rows)) * (width + gap) - gap, len(rows) * (height + gap) - gap), "white"
    )
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            picture.paste(image, (x * (width + gap), y * (height + gap)))
    return picture
