"""Trains the image tower of `mini_clip_i` further while the text tower stays as the UNet reads it (LiT, Zhai
et al. 2022).

Every other batch is about content alone: captions without their style, half of the pictures in a style that
no caption names. So a picture in a style that no training has seen is still named by what it shows.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from compose import apply_style
from filters import random_style
from pictures import COUNT, load
from text_image import shorten
from torch.nn.functional import cross_entropy, normalize
from training import DEVICE, Optimizer, halve, rate_at, steps, to_tensor
from transformers import ResNetForImageClassification
from unet import texts_of
from vocabulary import COLOURS, SCENES


def content(caption: str, style: str) -> str:
    """The caption without its style: `image of a cat on grass`."""
    return "image of " + caption.removeprefix(f"{style} ").split("of ", 1)[-1]


def restyled(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The pictures, every other one in a random style."""
    return np.stack([apply_style(p, random_style(rng)) if i % 2 else p for i, p in enumerate(pixels)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--steps", type=int, default=1300)
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    data = load(args.work, args.count)
    scenes = (*SCENES.values(), *(f"on {c}" for c in COLOURS))
    whole = [shorten(c, scenes) for c in data.captions]
    bare = [content(c, s) for c, s in zip(whole, data.styles, strict=True)]
    _, texts, rows_of = texts_of([*whole, *bare], args.work / "pipeline")
    texts, count = normalize(texts.float()), len(whole)

    def tower() -> ResNetForImageClassification:
        return ResNetForImageClassification.from_pretrained(args.work / "encoders" / "clip_i").to(DEVICE)

    model, rng = halve(tower()), np.random.default_rng(1)
    optimizer, losses = Optimizer(model, horizon=100), []
    for step in steps(optimizer, args.work / "clip_image.pt", args.steps, 100, losses):
        rows, about_content = np.sort(rng.integers(count, size=args.batch)), step % 2 == 1
        pixels = restyled(data.pixels[rows], rng) if about_content else data.pixels[rows]
        captions = rows_of[rows + count if about_content else rows]
        present = captions.unique()
        truth = torch.searchsorted(present, captions).to(DEVICE)
        seen = model(to_tensor(pixels).bfloat16()).logits
        loss = cross_entropy(normalize(seen.float()) @ texts[present].T * 20.0, truth)
        loss.backward()
        optimizer.step(rate_at(step, args.steps, 1e-3))
        losses.append(loss.detach())
    optimizer.give_average(tower()).save_pretrained(args.work / "encoders" / "clip_i")


if __name__ == "__main__":
    main()
