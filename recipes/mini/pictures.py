"""The pre-training pictures on disk: pixels as one array, captions and labels as one JSON file.

Every picture is a function of (seed, index) alone. Seed 1 is pre-training's; every other seed is a fresh set
to measure on.
"""

import argparse
import json
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from artwork import fetch, known, sprites
from compose import Picture, Sprites, picture
from numpy.lib.format import open_memmap

COUNT = 320_000
SHARE_OF_LOOKS = 0.35


class Pictures(NamedTuple):
    pixels: np.ndarray
    """n x 64 x 64 x 3, uint8."""
    captions: list[str]
    nouns: list[str]
    styles: list[str]


def draw(index: int, pairs: Sprites, seed: int) -> Picture:
    return picture(pairs, np.random.default_rng((seed, index)), SHARE_OF_LOOKS)


def load(work: Path, count: int = COUNT, seed: int = 1, workers: int = 2) -> Pictures:
    """`count` pictures of the mix, drawn once and kept in `work`."""
    path = work / f"pictures-{seed}-{count}.npy"
    if not path.with_suffix(".json").exists():
        fetch(work / "artwork")
        one = partial(draw, pairs=known(sprites(work / "artwork")), seed=seed)
        rows, labels = open_memmap(path, "w+", np.uint8, (count, 64, 64, 3)), []
        with Pool(workers) as pool:
            for index, drawn in enumerate(pool.imap(one, range(count), chunksize=256)):
                rows[index] = drawn.pixels
                labels.append((drawn.caption, drawn.noun, drawn.style))
        rows.flush()
        path.with_suffix(".json").write_text(json.dumps(labels))
    captions, nouns, styles = zip(*json.loads(path.with_suffix(".json").read_text()), strict=True)
    return Pictures(np.load(path, mmap_mode="r"), list(captions), list(nouns), list(styles))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    print(len(load(args.work, args.count, workers=args.workers).captions))
