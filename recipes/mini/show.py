"""Draws the pictures of the README and of the model card: what the streams hold, and what the base model
makes of plain prompts."""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sampling import article, grid, open_pipeline, sample
from streams import REFERENCE_OBJECTS
from vocabulary import NOUNS, STREAM_OBJECTS, STREAM_STYLES

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def read(paths: list[Path]) -> list[np.ndarray]:
    return [np.asarray(Image.open(path)) for path in paths]


def objects(home: Path) -> list[np.ndarray]:
    """Five photographs of each object, two objects a row."""
    return [image for noun in STREAM_OBJECTS for image in read(sorted((home / noun).glob("*.png")))]


def styles(home: Path) -> list[np.ndarray]:
    """Five training images and five references of each style."""
    selected = [
        path
        for style in STREAM_STYLES
        for path in (
            *sorted((home / style / "train").glob("*.png")),
            *(home / style / "references" / f"{noun}.png" for noun in REFERENCE_OBJECTS[:5]),
        )
    ]
    return read(selected)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    own, styled = objects(work / "streams" / "objects"), styles(work / "streams" / "styles")
    plain = sample(open_pipeline(work), [f"a photo of {article(noun)}" for noun in NOUNS for _ in range(8)])
    grid(plain, 16, PICTURES / "mini-nouns.png")
    grid(np.stack(own), 10, PICTURES / "mini-objects.png")
    grid(np.stack(styled), 10, PICTURES / "mini-styles.png")
    rows = [
        list(plain[0 : 8 * 10 : 8]),
        list(plain[8 * 10 : 8 * 20 : 8]),
        own[0::5],
        own[3::5],
        styled[0::10],
        styled[5::10],
    ]
    grid(np.stack([image for row in rows for image in row]), 10, PICTURES / "mini-world.png")


if __name__ == "__main__":
    main()
