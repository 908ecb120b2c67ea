"""Opens every image of a stream once and reports unreadable, too small and duplicate images."""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.task import Stream
from cbench.utils.images import load_image

SMALLEST = 32
"""Pixels of the shorter side below which an image is useless at any resolution."""


SHOWN = 5
"""Problems listed in the message."""


class ImageCheck(NamedTuple):
    """The result of opening an image: the digest of its pixels, or its problem."""

    pixels: str
    problem: str | None


def check_image(path: Path) -> ImageCheck:
    """Open an image, rotated and in RGB as it will be used."""
    try:
        image = load_image(path)
    except BadInput as error:
        return ImageCheck("", str(error))
    if min(image.size) < SMALLEST:
        size = f"{image.width} x {image.height} pixels"
        return ImageCheck("", f"image {path} is too small: {size}, the minimum is {SMALLEST} x {SMALLEST}")
    return ImageCheck(blake2b(image.tobytes(), digest_size=16).hexdigest() + str(image.size), None)


def check_images(stream: Stream) -> None:
    """Raises BadInput, with the path of each, if images are unreadable, too small, or duplicated within the
    training images or one task's references."""
    training = [e.image for task in stream.tasks for e in task.examples]
    groups = [training, *(task.references for task in stream.tasks)]
    checks = {path: check_image(path) for path in sorted({path for group in groups for path in group})}
    problems = [check.problem for check in checks.values() if check.problem]
    for group in groups:
        problems += [line for line in duplicates(group, checks) if line not in problems]
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise BadInput("; ".join(problems[:SHOWN]) + more)


def duplicates(paths: Iterable[Path], checks: dict[Path, ImageCheck]) -> list[str]:
    """A line for every file with the same pixels as an earlier one."""
    seen: dict[str, Path] = {}
    lines = []
    for path in sorted(set(paths)):
        pixels = checks[path].pixels
        if pixels and seen.setdefault(pixels, path) != path:
            lines.append(f"image {path} is the same picture as {seen[pixels]}")
    return lines
