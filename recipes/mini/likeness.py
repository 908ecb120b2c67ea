"""Trains the encoders `mini_dino` (which instance) and `mini_csd` (which style) by supervised contrast
(Khosla et al. 2020).

Instances are drawings with their own hue and pattern, seen before random backgrounds; styles are random
filters over random pictures. So
each encoder must look past what the other one looks at. The streams' drawings and styles are in neither.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from artwork import extras, fetch, known, sprites
from compose import Instance, Sprites, background, dress, photograph, picture
from filters import random_style
from PIL import Image
from text_image import image_tower
from torch import Tensor
from torch.nn.functional import normalize
from training import DEVICE, Optimizer, build_array, halve, rate_at, steps, to_tensor

VIEWS = 8
TEMPERATURE = 0.1


def instance(index: int, drawings: list[Image.Image], seed: int = 3) -> np.ndarray:
    """Eight photographs of one random personal object."""
    rng = np.random.default_rng((seed, index))
    pattern = ("", "", "striped", "dotted")[rng.integers(4)]
    hue = 0.0 if rng.random() < 0.3 else rng.random()
    sprite = dress(Instance(drawings[rng.integers(len(drawings))], hue, pattern))
    return np.stack([photograph(sprite, background(rng)[0], rng) for _ in range(VIEWS)])


def style(index: int, pairs: Sprites, seed: int = 4) -> np.ndarray:
    """Eight random pictures in one random style."""
    rng = np.random.default_rng((seed, index))
    apply = random_style(rng)
    views = [picture(pairs, rng).pixels.astype(np.float32) / 255 for _ in range(VIEWS)]
    return np.stack([(np.clip(apply(pixels), 0, 1) * 255).astype(np.uint8) for pixels in views])


def contrast(embeddings: Tensor, views: int) -> Tensor:
    """Supervised contrastive loss of n * views unit embeddings, each group's views beside one another."""
    logits = embeddings @ embeddings.T / TEMPERATURE
    itself = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    group = torch.arange(len(logits), device=logits.device) // views
    alike = (group[:, None] == group[None]) & ~itself
    log_share = logits - logits.masked_fill(itself, -torch.inf).logsumexp(1, keepdim=True)
    return -(log_share * alike).sum(1).div(views - 1).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--what", choices=("dino", "csd"), required=True)
    parser.add_argument("--groups", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--batch", type=int, default=48, help="groups in a batch, four views of each")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    fetch(args.work / "artwork")
    pairs = known(sprites(args.work / "artwork"))
    drawings = [*pairs.values(), *extras(args.work / "artwork", 400, seed=5)]
    draw = partial(instance, drawings=drawings) if args.what == "dino" else partial(style, pairs=pairs)
    data = build_array(args.work / f"{args.what}.npy", args.groups, draw, args.workers)
    torch.manual_seed(0)
    model, rng = halve(image_tower()), np.random.default_rng(0)
    optimizer, losses = Optimizer(model, horizon=100), []
    for step in steps(optimizer, args.work / f"{args.what}.pt", args.steps, 100, losses):
        rows = np.sort(rng.choice(len(data), args.batch, replace=False))
        pixels = data[rows][:, rng.choice(VIEWS, 4, replace=False)].reshape(-1, 64, 64, 3)
        loss = contrast(normalize(model(to_tensor(pixels).bfloat16()).logits.float()), 4)
        loss.backward()
        optimizer.step(rate_at(step, args.steps, 1e-3))
        losses.append(loss.detach())
    optimizer.give_average(image_tower().to(DEVICE)).save_pretrained(args.work / "encoders" / args.what)


if __name__ == "__main__":
    main()
