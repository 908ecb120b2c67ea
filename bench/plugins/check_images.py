"""Opens every image of a stream once and says which cannot be used: broken, tiny, or the same picture
twice."""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.task import Stream
from cbench.utils.images import load_image

SMALLEST = 32
"""Pixels of the shorter side below which an image is no use at any resolution."""


SHOWN = 5


class ImageCheck(NamedTuple):
    """What opening an image told: the digest of its pixels, or what is wrong with it."""

    pixels: str
    trouble: str | None


def check_image(path: Path) -> ImageCheck:
    """Open an image, turned and in RGB as it will be used."""
    try:
        image = load_image(path)
    except BadInput as error:
        return ImageCheck("", str(error))
    if min(image.size) < SMALLEST:
        return ImageCheck(
            "",
            (
                f"image {path} is tiny: {image.width} x {image.height}, and {SMALLEST} pixels a side are the "
                "least"
            ),
        )
    return ImageCheck(blake2b(image.tobytes(), digest_size=16).hexdigest() + str(image.size), None)


def check_images(stream: Stream) -> None:
    """BadInput, with the path of each, where images are broken, tiny, or twice among the training images or
    one task's references."""
    training = [e.image for task in stream.tasks for e in task.examples]
    looks = {
        path: check_image(path)
        for path in sorted({*training, *(p for task in stream.tasks for p in task.references)})
    }
    troubles = [found.trouble for found in looks.values() if found.trouble]
    for group in (training, *(task.references for task in stream.tasks)):
        troubles += [line for line in twins(group, looks) if line not in troubles]
    if troubles:
        more = f"; and {len(troubles) - SHOWN} more" if len(troubles) > SHOWN else ""
        raise BadInput("; ".join(troubles[:SHOWN]) + more)


def twins(paths: Iterable[Path], looks: dict[Path, ImageCheck]) -> list[str]:
    """A line for every file that shows the same pixels as an earlier one."""
    seen: dict[str, Path] = {}
    lines = []
    for path in sorted(set(paths)):
        pixels = looks[path].pixels
        if pixels and seen.setdefault(pixels, path) != path:
            lines.append(f"image {path} is the same picture as {seen[pixels]}")
    return lines
