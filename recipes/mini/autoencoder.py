"""Trains the AutoencoderKL of the mini world: 64 x 64 x 3 pixels <-> 16 x 16 x 8 latents."""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from artwork import extras, fetch, known, sprites
from compose import Sprites, photograph, picture
from diffusers import AutoencoderKL
from filters import random_style
from PIL import Image
from scenes import noise_texture
from torch.nn.functional import l1_loss
from training import DEVICE, Average, autocast, build_array, steps, to_tensor

LATENTS = 8
CROP = 32


def build() -> AutoencoderKL:
    """The model with every residual branch silent and little posterior noise at first: without that it learns many times slower."""
    model = AutoencoderKL(
        block_out_channels=(32, 64, 96),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=8,
        sample_size=64,
        force_upcast=False,
    )
    for name, parameter in model.named_parameters():
        if ".conv2." in name or ".to_out.0." in name:
            torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        model.quant_conv.weight[LATENTS:] *= 0.1
        model.quant_conv.bias[LATENTS:] = -6.0
    return model


def draw(index: int, pairs: Sprites, others: list[Image.Image], seed: int = 7) -> np.ndarray:
    """One training image: a picture of the world, one in a random style, another icon, or a texture."""
    rng = np.random.default_rng((seed, index))
    kind = rng.random()
    if kind < 0.50:
        return picture(pairs, rng).pixels
    if kind < 0.55:
        return (noise_texture(rng) * 255).astype(np.uint8)
    sprite = others[rng.integers(len(others))]
    pixels = picture(pairs, rng).pixels if kind < 0.75 else photograph(sprite, noise_texture(rng), rng)
    if kind < 0.85:
        return (random_style(rng)(pixels.astype(np.float32) / 255) * 255).astype(np.uint8)
    return pixels


def loss_of(model: AutoencoderKL, images: torch.Tensor) -> torch.Tensor:
    """L1 on the pixels and on their differences to the neighbours, with a light Kullback-Leibler term."""
    with autocast():
        posterior = model.encode(images).latent_dist
        decoded = model.decode(posterior.sample()).sample
    decoded = decoded.float()
    across = l1_loss(decoded.diff(dim=-1), images.diff(dim=-1))
    down = l1_loss(decoded.diff(dim=-2), images.diff(dim=-2))
    return l1_loss(decoded, images) + 0.5 * (across + down) + 1e-4 * posterior.kl().mean() / posterior.mean[0].numel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--images", type=int, default=32_000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    fetch(args.work / "artwork")
    pairs, others = known(sprites(args.work / "artwork")), extras(args.work / "artwork", 600)
    data = build_array(args.work / "autoencoder.npy", args.images, partial(draw, pairs=pairs, others=others), args.workers)
    torch.manual_seed(0)
    model = build().to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.99), fused=True)
    average, losses, rng = Average(model, 0.99), [], np.random.default_rng(0)
    told = lambda _: f"{np.mean(losses[-200:]):.4f}"  # noqa: E731
    for _ in steps(model, optimizer, average, args.work / "autoencoder.pt", args.steps, 1.5e-3, told, 200):
        top, left = rng.integers(0, 65 - CROP, 2)
        images = to_tensor(data[np.sort(rng.integers(len(data), size=args.batch)), top : top + CROP, left : left + CROP])
        loss = loss_of(model, images)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.load_state_dict(average.state)
    with torch.no_grad():
        means = torch.cat([model.encode(to_tensor(data[i : i + 64])).latent_dist.mean for i in range(0, 1024, 64)])
    model.register_to_config(scaling_factor=float(1 / means.std()))
    model.save_pretrained(args.work / "pipeline" / "vae")


if __name__ == "__main__":
    main()
