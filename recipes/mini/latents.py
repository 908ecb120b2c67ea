"""Encodes the pre-training pictures with the trained autoencoder. The UNet's training may begin on the first
of them: it looks how many there are.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from fast import speed_up
from numpy.lib.format import open_memmap
from pictures import COUNT, load
from training import halve, to_tensor

PART = 4096


@torch.no_grad()
def encode(pixels: np.ndarray, work: Path, name: str) -> None:
    """The posterior means of all pictures, n x 8 x 16 x 16 in fp16, and how many of them are there; goes on
    where it was stopped.
    """
    path, begun = work / f"latents-{name}.npy", ready(work, name)
    if begun == len(pixels):
        return
    vae = speed_up(halve(AutoencoderKL.from_pretrained(work / "pipeline" / "vae").eval()))
    rows = open_memmap(path, "r+" if begun else "w+", np.float16, (len(pixels), 8, 16, 16))
    for start in range(begun, len(pixels), PART):
        for first in range(start, min(start + PART, len(pixels)), 128):
            images = to_tensor(pixels[first : first + 128]).bfloat16()
            rows[first : first + 128] = vae.encode(images).latent_dist.mean.float().cpu().numpy()
        rows.flush()
        path.with_suffix(".count").write_text(str(min(start + PART, len(pixels))))


def ready(work: Path, name: str) -> int:
    """How many pictures have been encoded."""
    path = work / f"latents-{name}.count"
    return int(path.read_text()) if path.exists() else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    args = parser.parse_args()
    encode(load(args.work, args.count).pixels, args.work, "train")
