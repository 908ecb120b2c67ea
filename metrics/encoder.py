"""The base of the published encoders: weights in one file, torchvision's preprocessing, fp32."""

from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor

from cbench.errors import BadInput
from cbench.metrics.batches import in_batches
from cbench.resources.hub import HubFile, check_file, require_file
from cbench.utils.digest import digest_json
from cbench.utils.text import one_line

CLIP_COLOURS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and standard deviation of CLIP's training images."""
IMAGENET_COLOURS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SIGLIP_COLOURS = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def library(name: str) -> Any:
    """A library of the extra `full`. Raises BadInput, which says how to install it."""
    try:
        return import_module(name)
    except (ImportError, RuntimeError) as error:  # RuntimeError: torchvision of another build than torch
        raise BadInput(
            f"{name} cannot be imported ({one_line(error)}); install it with pip install 'cbench[full]'"
        ) from error


class Encoder:
    """An encoder; a subclass defines its weights, preprocessing, loading and embedding."""

    name: ClassVar[str]
    title: ClassVar[str]
    weights: ClassVar[HubFile]
    side: ClassVar[int | tuple[int, int]]
    """Pixels to which the shorter side is scaled (bicubic) before the central square is cropped; with a pair,
    height and width, whatever the shape was."""
    crop: ClassVar[int] = 224
    """Pixels of the central square."""
    colours: ClassVar[tuple[tuple[float, ...], tuple[float, ...]]]

    def __init__(self, device: str) -> None:
        self.device = device
        self.path = require_file(self.weights, f"metric {self.name}")
        self._sha256 = check_file(self.path, self.weights)
        try:
            model = self.load(self.path).float().eval().requires_grad_(False)
        except (RuntimeError, KeyError, ValueError, OSError, SafetensorError, UnpicklingError) as error:
            raise BadInput(
                f"metric {self.name}: {self.path} does not have its weights: {one_line(error, 200)}"
            ) from error
        self.model = model.to(device)  # outside of the try: running out of memory is not the file's fault

    def load(self, path: Path) -> Any:
        """The model with the weights of the file."""
        raise NotImplementedError

    def features(self, pixels: Tensor) -> Tensor:
        """Embeddings n x d of normalised pixels n x 3 x crop x crop."""
        raise NotImplementedError

    @cached_property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        square = [] if self.crop == 224 else [self.crop]
        return digest_json([self.name, self._sha256, self.side, self.colours, *square])

    @cached_property
    def preprocess(self) -> Any:
        """PIL image -> normalised pixels 3 x crop x crop."""
        vision = library("torchvision.transforms")
        scaled = vision.Resize(self.side, interpolation=vision.InterpolationMode.BICUBIC)
        crop, scale = vision.CenterCrop(self.crop), vision.Normalize(*self.colours)
        return vision.Compose([scaled, crop, vision.ToTensor(), scale])

    @torch.no_grad()
    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Embeddings of RGB images, n x d."""
        return in_batches(images, lambda part: self.features(self._pixels(part)))

    def _pixels(self, images: Sequence[Image.Image]) -> Tensor:
        return torch.stack([self.preprocess(image) for image in images]).to(self.device)
