"""Trains the AutoencoderKL of the mini world: 64 x 64 x 3 pixels <-> 16 x 16 x 8 latents of mean 0 and
variance 1.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import torch
from artwork import extras, fetch, known, sprites
from compose import Sprites, photograph, picture
from diffusers import AutoencoderKL
from fast import speed_up
from filters import random_style
from pictures import load
from PIL import Image
from scenes import noise_texture
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss
from training import DEVICE, Optimizer, build_array, halve, rate_at, steps, to_tensor

LATENTS = 8
CROP = 32
NOISE = 0.05
"""Of the latents in training, beside their own spread of about one: the decoder must bear what a sampler
leaves.
"""


def build() -> AutoencoderKL:
    """The model with every residual branch silent at first: without that it learns many times slower."""
    model = AutoencoderKL(
        block_out_channels=(32, 64, 96),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        layers_per_block=1,
        latent_channels=LATENTS,
        norm_num_groups=8,
        sample_size=64,
        force_upcast=False,
        scaling_factor=1.0,
    )
    for name, parameter in model.named_parameters():
        if ".conv2." in name or ".to_out.0." in name:
            torch.nn.init.zeros_(parameter)
    return model


def draw(index: int, pairs: Sprites, others: list[Image.Image], seed: int = 7) -> np.ndarray:
    """One training image: a picture of the world, one in a random style, another icon, or a texture."""
    rng = np.random.default_rng((seed, index))
    kind = rng.random()
    if kind < 0.35:
        return picture(pairs, rng, 0.35).pixels
    if kind < 0.40:
        return (noise_texture(rng) * 255).astype(np.uint8)
    pixels = (
        picture(pairs, rng).pixels
        if kind < 0.70
        else photograph(others[rng.integers(len(others))], noise_texture(rng), rng)
    )
    if kind < 0.90:
        return (random_style(rng)(pixels.astype(np.float32) / 255) * 255).astype(np.uint8)
    return pixels


def images_of(work: Path, count: int, workers: int) -> np.ndarray:
    """The training images, drawn once and kept in `work`."""
    if not (work / "autoencoder.npy").exists():
        fetch(work / "artwork")
        pairs, others = known(sprites(work / "artwork")), extras(work / "artwork", 1200)
        build_array(work / "autoencoder.npy", count, partial(draw, pairs=pairs, others=others), workers)
    return np.load(work / "autoencoder.npy", mmap_mode="r")


def loss_of(model: AutoencoderKL, images: Tensor, squares: float) -> Tensor:
    """L1 on pixels and on differences to the neighbours, `squares` of the mean square, and a light pull on
    the latents.
    """
    mean = model.encode(images.bfloat16()).latent_dist.mean
    decoded = model.decode(mean + NOISE * torch.randn_like(mean)).sample.float()
    across = l1_loss(decoded.diff(dim=-1), images.diff(dim=-1))
    down = l1_loss(decoded.diff(dim=-2), images.diff(dim=-2))
    pull = mean.float().square().mean()
    return (
        l1_loss(decoded, images) + 0.5 * (across + down) + squares * mse_loss(decoded, images) + 2e-4 * pull
    )


@torch.no_grad()
def normalise(model: AutoencoderKL, images: Tensor) -> None:
    """Fold each latent channel's mean and deviation into `quant_conv` and `post_quant_conv`: whoever encodes
    gets mean 0, variance 1.
    """
    latents = torch.cat([model.encode(part).latent_dist.mean for part in images.split(64)])
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    into, out_of = model.quant_conv, model.post_quant_conv
    into.weight[:LATENTS] /= deviation.view(-1, 1, 1, 1)
    into.bias[:LATENTS] = (into.bias[:LATENTS] - mean) / deviation
    into.weight[LATENTS:] = 0
    into.bias[LATENTS:] = 2 * float(np.log(NOISE))
    out_of.bias += (out_of.weight[..., 0, 0] * mean).sum(1)
    out_of.weight *= deviation.view(1, -1, 1, 1)


def open_decoder(folder: Path) -> AutoencoderKL:
    """The trained model, of which only the decoder goes on: its latents stay what the UNet has learned."""
    model = AutoencoderKL.from_pretrained(folder)
    model.encoder.requires_grad_(False)
    model.quant_conv.requires_grad_(False)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=5_500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--decoder", action="store_true", help="go on with the decoder of WORK/pipeline/vae alone"
    )
    args = parser.parse_args()
    data, folder = images_of(args.work, args.images, args.workers), args.work / "pipeline" / "vae"
    torch.manual_seed(0)
    begin = partial(open_decoder, folder) if args.decoder else build
    model, path = speed_up(halve(begin())), args.work / f"{'decoder' if args.decoder else 'autoencoder'}.pt"
    optimizer, losses, rng = Optimizer(model, decay=0.01, horizon=500), [], np.random.default_rng(0)
    for step in steps(optimizer, path, args.steps, 200, losses):
        top, left = rng.integers(0, 65 - CROP, 2)
        rows = np.sort(rng.integers(len(data), size=args.batch))
        images = to_tensor(data[rows, top : top + CROP, left : left + CROP])
        loss = loss_of(model, images, 4.0 if args.decoder or step > 0.6 * args.steps else 1.0)
        loss.backward()
        optimizer.step(rate_at(step, args.steps, args.rate))
        losses.append(loss.detach())
    model = optimizer.give_average(begin().to(DEVICE))
    if not args.decoder:
        normalise(model, to_tensor(load(args.work, 2048, seed=97).pixels))
    model.save_pretrained(folder)


if __name__ == "__main__":
    main()
