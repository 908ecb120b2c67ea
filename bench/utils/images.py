"""Images in and out: any file once as RGB, and contact sheets that lose nothing."""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from cbench.errors import BadInput
from cbench.utils.text import one_line

BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, *BOMB)
"""What Pillow raises for a file that is no image, a damaged one, or one that unpacks to too much."""


def load_image(path: Path) -> Image.Image:
    """The image in a file, turned as its EXIF says, in RGB of 8 bits: what is transparent lies on white, 16
    bits of grey are scaled.

    BadInput names a file that is missing or no image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return _rgb(ImageOps.exif_transpose(image))
    except BROKEN as error:
        raise BadInput(f"image {path} cannot be read: {one_line(error)}") from error


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith(
        "I;16"
    ):  # Pillow's own conversion clips: nearly all would be white
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


def write_sheet(images: np.ndarray, columns: int, path: Path) -> None:
    """Images (n, h, w, 3; uint8) as one PNG, row by row: a row a prompt, a column a noise."""
    count, height, width, _ = images.shape
    sheet = images.reshape(count // columns, columns, height, width, 3).swapaxes(1, 2)
    Image.fromarray(sheet.reshape(count // columns * height, columns * width, 3)).save(path, compress_level=1)


def read_sheet(path: Path, side: int) -> list[Image.Image]:
    """The images of a sheet, in the order written."""
    with _any_size():
        sheet = load_image(path)
    boxes = [
        (x, y, x + side, y + side) for y in range(0, sheet.height, side) for x in range(0, sheet.width, side)
    ]
    return [sheet.crop(box) for box in boxes]


@contextmanager
def _any_size() -> Iterator[None]:
    """Without Pillow's limit: a sheet of our own may be larger than anything that is let in from outside."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def grid(rows: Sequence[Sequence[Image.Image]], gap: int = 2) -> Image.Image:
    """Rows of equally large images as one picture, a white gap between them."""
    width, height = rows[0][0].size
    picture = Image.new(
        "RGB", (max(map(len, rows)) * (width + gap) - gap, len(rows) * (height + gap) - gap), "white"
    )
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            picture.paste(image, (x * (width + gap), y * (height + gap)))
    return picture
