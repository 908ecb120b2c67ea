"""The images that a track trains on: read, cut to squares, encoded."""

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from cbench.backbone.backbone import Backbone
from cbench.stages.train import EncodedImages, encode_images
from cbench.task import Example
from cbench.track import Track
from cbench.update import generator
from cbench.utils.images import crop_at, image_digest, load_image, square

Sizes = tuple[int, ...]
"""SDXL's size conditioning: original height and width, crop top and left, target height and width."""


def encoded(backbone: Backbone, track: Track, examples: Sequence[Example], seed: int) -> EncodedImages:
    """The examples' images and captions, encoded once for all steps."""
    squares = [training_square(track, example.image, seed) for example in examples]
    images, sizes = [image for image, _ in squares], [size for _, size in squares]
    own = sizes if track.training.sizes == "photograph" else None
    return encode_images(backbone, images, [e.prompt for e in examples], track.training.flip, own)


def training_square(track: Track, path: Path, seed: int) -> tuple[Image.Image, Sizes]:
    """The square of a training image at the backbone's resolution, and its size conditioning.

    A random square belongs to the run's seed and the image, so that cached latents are exact."""
    settings, side, image = track.training, track.backbone.resolution, load_image(path)
    if (settings.resize, settings.crop, settings.sizes) == ("bicubic", "center", "target"):
        return square(image, side), (side, side, 0, 0, side, side)
    draws = generator(seed, "crop", image_digest(path))
    top, left = (0.5, 0.5) if settings.crop == "center" else torch.rand(2, generator=draws).tolist()
    crop = crop_at(image, side, settings.resize, (top, left))
    return crop.image, (*crop.original, *crop.corner, side, side)


def uncropped(track: Track, count: int) -> list[Sizes] | None:
    """The size conditioning of images that the model sampled, if the track's own images have one of their
    own."""
    side = track.backbone.resolution
    return [(side, side, 0, 0, side, side)] * count if track.training.sizes == "photograph" else None
