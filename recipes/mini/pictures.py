"""The pre-training pictures on disk: pixels as one array, captions and labels as one JSON file.

There are two mixes, each a function of (seed, index) alone: the first has no looks, in the second a third of the pictures has one.
"""

import argparse
import json
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import numpy as np
from artwork import fetch, known, sprites
from compose import Sprites, picture
from training import build_array

SHARE_OF_LOOKS = {1: 0.0, 2: 0.35}
"""Seed of a mix -> how many of its pictures are in one of the looks."""


class Pictures(NamedTuple):
    pixels: np.ndarray
    """n x 64 x 64 x 3, uint8."""
    captions: list[str]
    nouns: list[str]
    styles: list[str]


def draw(index: int, pairs: Sprites, seed: int) -> np.ndarray:
    return picture(pairs, np.random.default_rng((seed, index)), SHARE_OF_LOOKS.get(seed, 0.0)).pixels


def label(index: int, pairs: Sprites, seed: int) -> tuple[str, str, str]:
    drawn = picture(pairs, np.random.default_rng((seed, index)), SHARE_OF_LOOKS.get(seed, 0.0))
    return drawn.caption, drawn.noun, drawn.style


def load(work: Path, count: int, seed: int = 1, workers: int = 2) -> Pictures:
    """`count` pictures of the mix, drawn once and kept in `work`."""
    fetch(work / "artwork")
    pairs = known(sprites(work / "artwork"))
    pixels = build_array(work / f"pictures-{seed}-{count}.npy", count, partial(draw, pairs=pairs, seed=seed), workers)
    labels = work / f"pictures-{seed}-{count}.json"
    if not labels.exists():
        with Pool(workers) as pool:
            labels.write_text(json.dumps(pool.map(partial(label, pairs=pairs, seed=seed), range(count), chunksize=256)))
    captions, nouns, styles = zip(*json.loads(labels.read_text()), strict=True)
    return Pictures(pixels, list(captions), list(nouns), list(styles))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--mix", type=int, choices=SHARE_OF_LOOKS, default=1)
    args = parser.parse_args()
    print(len(load(args.work, args.count, args.mix).captions))
