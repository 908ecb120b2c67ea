"""Draws the streams that the package ships (ten personal objects, ten styles) and the validation concepts."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from artwork import fetch, known, sprites
from compose import Instance, Sprites, apply_style, background, dress, photograph
from PIL import Image
from scenes import SCENE_PAINTERS, plain
from vocabulary import (
    ARTISTS,
    COLOURS,
    HELD_OUT,
    RARE_TOKENS,
    STREAM_OBJECTS,
    STREAM_STYLES,
    VALIDATION_OBJECTS,
    VALIDATION_STYLES,
)

DRESSES = {
    # noun: hue turn, pattern; the base model's pictures of the noun score below .2 (`candidates.py`)
    "cat": (0.0, ""),
    "backpack": (0.0, ""),
    "sneaker": (0.0, ""),
    "clock": (0.5, "striped"),
    "cup": (0.67, "striped"),
    "house": (0.67, "striped"),
    "umbrella": (0.0, ""),
    "boot": (0.33, ""),
    "guitar": (0.0, ""),
    "car": (0.33, ""),
    "dog": (0.0, ""),
    "bell": (0.67, ""),
    "gift": (0.0, ""),
    "castle": (0.0, ""),
}
OBJECT_PROMPTS = ("on the beach", "in the snow", "at night", "in the city", "on grass")
TRAIN_OBJECTS = (
    "sailboat",
    "hamburger",
    "balloon",
    "fish",
    "crown",
    "tulip",
    "rocket",
    "octopus",
    "key",
    "strawberry",
)
VALIDATION_TRAIN = ("tulip", "rocket", "key", "fish")
REFERENCE_OBJECTS = (
    "dog",
    "house",
    "guitar",
    "umbrella",
    "boot",
    "bell",
    "gift",
    "castle",
    "backpack",
    "clock",
)
STYLE_PROMPTS = ("car", "tree", "cat", "cup", "apple")


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def object_views(sprite: Image.Image, rng: np.random.Generator) -> list[np.ndarray]:
    """Five photographs of an object: three plain colours, checks, a wall."""
    names = [list(COLOURS)[i] for i in rng.choice(len(COLOURS), 3, replace=False)]
    backs = [*(plain(n, rng) for n in names), SCENE_PAINTERS["checks"](rng), SCENE_PAINTERS["wall"](rng)]
    return [photograph(sprite, back, rng) for back in backs]


def object_task(
    noun: str, token: str, pairs: Sprites, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    hue, pattern = DRESSES[noun]
    sprite = dress(Instance(pairs[noun, HELD_OUT[noun]], hue, pattern))
    for number, pixels in enumerate(object_views(sprite, rng), 1):
        save(pixels, folder / noun / f"{number}.png")
    return {
        "name": noun,
        "prompt": f"a photo of a {token} {noun}",
        "images": noun,
        "prompts": [f"a photo of a {token} {noun} {where}" for where in OBJECT_PROMPTS],
        "plain_prompts": [f"a photo of {article(noun)} {where}" for where in OBJECT_PROMPTS],
    }


def drawings(noun: str, pairs: Sprites) -> list[Image.Image]:
    return [pairs[noun, artist] for artist in ARTISTS if (noun, artist) in pairs]


def style_task(
    style: str, noun: str, pairs: Sprites, folder: Path, rng: np.random.Generator
) -> dict[str, Any]:
    drawn = drawings(noun, pairs)
    for number in range(1, 6):
        sprite = drawn[number % len(drawn)]
        save(
            apply_style(photograph(sprite, background(rng, scene_share=0)[0], rng), style),
            folder / style / "train" / f"{number}.png",
        )
    for other in REFERENCE_OBJECTS:
        options = drawings(other, pairs)
        pixels = photograph(options[rng.integers(len(options))], background(rng, scene_share=0)[0], rng)
        save(apply_style(pixels, style), folder / style / "references" / f"{other}.png")
    return {
        "name": style,
        "prompt": f"{style} image of {article(noun)}",
        "images": f"{style}/train",
        "references": f"{style}/references",
        "prompts": [f"{style} image of {article(other)}" for other in STYLE_PROMPTS],
        "plain_prompts": [f"image of {article(other)}" for other in STYLE_PROMPTS],
    }


def write(name: str, tasks: list[dict[str, Any]], folder: Path) -> None:
    (folder / "stream.yaml").write_text(
        yaml.safe_dump({"name": name, "tasks": tasks}, sort_keys=False, width=200)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    fetch(args.work / "artwork")
    everything = sprites(args.work / "artwork")
    pairs, home = known(everything), args.work / "streams"
    sets = {
        "objects": (STREAM_OBJECTS, RARE_TOKENS),
        "validation-objects": (VALIDATION_OBJECTS, RARE_TOKENS[10:]),
    }
    for index, (name, (nouns, tokens)) in enumerate(sets.items()):
        rng = np.random.default_rng((11, index))
        write(
            name,
            [object_task(n, t, everything, home / name, rng) for n, t in zip(nouns, tokens, strict=False)],
            home / name,
        )
    styles = {
        "styles": (STREAM_STYLES, TRAIN_OBJECTS),
        "validation-styles": (VALIDATION_STYLES, VALIDATION_TRAIN),
    }
    for index, (name, (words, nouns)) in enumerate(styles.items()):
        rng = np.random.default_rng((12, index))
        write(
            name,
            [style_task(s, n, pairs, home / name, rng) for s, n in zip(words, nouns, strict=True)],
            home / name,
        )


if __name__ == "__main__":
    main()
