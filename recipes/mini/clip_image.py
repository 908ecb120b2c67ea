"""Trains the image tower of `mini_clip_i` further while the text tower stays as the UNet reads it (LiT, Zhai et al. 2022)."""

import argparse
from pathlib import Path

import numpy as np
import torch
from pictures import load
from text_image import shorten
from torch.nn.functional import cross_entropy, normalize
from training import DEVICE, Average, autocast, steps, to_tensor
from transformers import ResNetForImageClassification
from unet import texts_of
from vocabulary import COLOURS, SCENES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--mix", type=int, choices=(1, 2), default=1)
    parser.add_argument("--steps", type=int, default=1_200)
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    data = load(args.work, args.count, args.mix)
    scenes = (*SCENES.values(), *(f"on {c}" for c in COLOURS))
    _, texts, rows_of = texts_of([shorten(c, scenes) for c in data.captions], args.work / "pipeline")
    texts = normalize(texts.float())
    model = ResNetForImageClassification.from_pretrained(args.work / "encoders" / "clip_i").to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05, fused=True)
    average, losses, rng = Average(model, 0.99), [], np.random.default_rng(1)
    told = lambda _: f"{np.mean(losses[-50:]):.4f}"  # noqa: E731
    for _ in steps(model, optimizer, average, args.work / f"clip_image-{args.mix}.pt", args.steps, 1e-3, told, 100):
        rows = np.sort(rng.integers(len(data.captions), size=args.batch))
        shown = rows_of[rows].unique()
        truth = torch.searchsorted(shown, rows_of[rows]).to(DEVICE)
        with autocast():
            seen = model(to_tensor(data.pixels[rows])).logits
        loss = cross_entropy(normalize(seen.float()) @ texts[shown].T * 20.0, truth)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.load_state_dict(average.state)
    model.save_pretrained(args.work / "encoders" / "clip_i")


if __name__ == "__main__":
    main()
