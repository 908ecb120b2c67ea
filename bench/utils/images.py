"""Reads images of any format as sRGB, and writes and reads lossless contact sheets."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageCms, ImageOps

from cbench.errors import BadInput
from cbench.utils.digest import digest_file, digest_json
from cbench.utils.text import one_line

if TYPE_CHECKING:  # a finished run that is asked for again needs no numpy
    import numpy as np

BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)


UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
    *BOMB,
)
"""Pillow's exceptions for a file that is not an image, is damaged, or decompresses to too many pixels."""


READING = 2
"""Raised if images are read otherwise than before; see `digest_image`."""

SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colour space of a profile -> the mode of the images that it describes."""


def load_image(path: Path) -> Image.Image:
    """The image in a file, rotated as its EXIF says, in 8-bit sRGB: colour profiles are followed,
    transparency is put on white, 16-bit grey is scaled.

    Raises BadInput if the file is missing, no image, an animation, or of numbers without a known range."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                _check(image)
                return _rgb(ImageOps.exif_transpose(image), image.info.get("icc_profile"))
    except UNREADABLE as error:
        raise BadInput(f"image {path} cannot be read: {one_line(error)}") from error


def is_image(path: Path) -> bool:
    """Whether Pillow opens the file, judged by its head."""
    try:
        with Image.open(path):
            return True
    except UNREADABLE:
        return False


def digest_image(path: Path) -> str:
    """Identity of an image as it is read: the digest of its file, and READING if an earlier version read it
    otherwise."""
    try:
        with Image.open(path) as image:
            plain = image.mode != "LAB" and is_srgb(image.info.get("icc_profile"))
    except UNREADABLE:
        plain = True
    return digest_file(path) if plain else digest_json([digest_file(path), READING])


image_digest = lru_cache(maxsize=None)(digest_image)
"""`digest_image`, once a process and path."""


def _check(image: Image.Image) -> None:
    """ValueError for what has no one picture in 8 bits."""
    # an MPO file has the same photograph twice, for the left eye first
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ValueError("it has several frames or layers; save the one that is meant as a PNG")
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        kind = "floating point" if image.mode == "F" else "integer"
        raise ValueError(f"its 32-bit {kind} numbers have no known range; save it with 8 or 16 bits")


def _rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    # Pillow's own conversion of 16-bit grey clips: nearly everything would be white
    if image.mode == "I" or image.mode.startswith("I;16"):
        import numpy as np

        image = Image.fromarray(np.round(np.clip(np.asarray(image), 0, 65535) / 257).astype(np.uint8))
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _from_lab())  # type: ignore[return-value]
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        image = image.convert("RGBA")
    if not is_srgb(profile):
        image = _in_srgb(image, profile or b"", grey)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes, grey: bool) -> Image.Image:
    """The image's colours, which the profile describes, in sRGB; its transparency stays."""
    mode, transform = _to_srgb(profile)
    if (mode == "L" and not grey) or (mode == "CMYK") != (image.mode == "CMYK"):
        raise ValueError(f"its colour profile is for {mode} and the image is {image.mode}; save it as sRGB")
    colours: Image.Image = ImageCms.applyTransform(image.convert(mode), transform)  # type: ignore[assignment]
    if image.mode == "RGBA":
        colours.putalpha(image.getchannel("A"))
    return colours


@lru_cache(maxsize=64)
def _to_srgb(profile: bytes) -> tuple[str, Any]:
    """The mode of the images that a profile describes, and the transform of their colours to sRGB."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space
        mode = SPACES[space]
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        return mode, ImageCms.buildTransform(opened, _srgb(), mode, "RGB", intent)
    except (OSError, KeyError, ImageCms.PyCMSError) as error:
        raise ValueError(f"its colour profile cannot be used ({error}); save it as sRGB") from error


@cache
def _srgb() -> Any:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@cache
def _from_lab() -> Any:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")


@lru_cache(maxsize=64)
def is_srgb(profile: bytes | None) -> bool:
    """Whether a profile says no more than that the colours are sRGB, within its rounding; no profile says
    so."""
    if not profile:
        return True
    mode, transform = _to_srgb(profile)
    if mode == "CMYK":
        return False
    import numpy as np

    steps = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    colours = Image.fromarray(cube if mode == "RGB" else cube[..., 0])
    there = np.asarray(ImageCms.applyTransform(colours, transform)).astype(int)
    return bool(np.abs(there - np.asarray(colours.convert("RGB")).astype(int)).max() <= 3)


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


def write_sheet(images: "np.ndarray", columns: int, path: Path) -> None:
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
