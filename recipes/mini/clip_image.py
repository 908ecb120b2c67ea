"""Trains the image tower of `mini_clip_i` further while the text tower stays as the UNet reads it (LiT, Zhai
et al. 2022).
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from pictures import COUNT, load
from text_image import shorten
from torch.nn.functional import cross_entropy, normalize
from training import DEVICE, Optimizer, halve, rate_at, steps, to_tensor
from transformers import ResNetForImageClassification
from unet import texts_of
from vocabulary import COLOURS, SCENES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    data = load(args.work, args.count)
    scenes = (*SCENES.values(), *(f"on {c}" for c in COLOURS))
    _, texts, rows_of = texts_of([shorten(c, scenes) for c in data.captions], args.work / "pipeline")
    texts = normalize(texts.float())

    def tower() -> ResNetForImageClassification:
        return ResNetForImageClassification.from_pretrained(args.work / "encoders" / "clip_i").to(DEVICE)

    model, rng = halve(tower()), np.random.default_rng(1)
    optimizer, losses = Optimizer(model, horizon=100), []
    for step in steps(optimizer, args.work / "clip_image.pt", args.steps, 100, losses):
        rows = np.sort(rng.integers(len(data.captions), size=args.batch))
        present = rows_of[rows].unique()
        truth = torch.searchsorted(present, rows_of[rows]).to(DEVICE)
        seen = model(to_tensor(data.pixels[rows]).bfloat16()).logits
        loss = cross_entropy(normalize(seen.float()) @ texts[present].T * 20.0, truth)
        loss.backward()
        optimizer.step(rate_at(step, args.steps, 1e-3))
        losses.append(loss.detach())
    optimizer.give_average(tower()).save_pretrained(args.work / "encoders" / "clip_i")


if __name__ == "__main__":
    main()
