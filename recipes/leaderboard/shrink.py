"""Copies pictures in the size of a page: at most 1400 pixels wide, 256 colours."""

import sys
from pathlib import Path

from PIL import Image

WIDTH = 1400


def main() -> None:
    target, *paths = map(Path, sys.argv[1:])
    for path in paths:
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((WIDTH, 10 * WIDTH), Image.Resampling.LANCZOS)
        picture.quantize(256).save(target / path.name, optimize=True)


if __name__ == "__main__":
    main()
