"""What the field's encoders share: weights in one file, torchvision's preprocessing, images in batches, fp32
throughout."""

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

CLIP_COLOURS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Mean and standard deviation of CLIP's training images."""
IMAGENET_COLOURS = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def library(name: str) -> Any:
    """A library of the extra `full`; BadInput says how to get it."""
    try:
        return import_module(name)
    except (
        ImportError,
        RuntimeError,
    ) as error:  # torchvision beside a torch of another build raises RuntimeError
        reason = " ".join(str(error).split())
        raise BadInput(
            f"{name} cannot be imported ({reason}); pip install 'cbench[full]' brings it and its like"
        ) from error


class Encoder:
    """An encoder; a subclass says where its weights are, how images are read, how a model is made of a file,
    and what the embedding is."""

    name: ClassVar[str]
    title: ClassVar[str]
    weights: ClassVar[HubFile]
    side: ClassVar[int]
    """The shorter side is scaled to this (bicubic) before the centre, 224 x 224, is cut out."""
    colours: ClassVar[tuple[tuple[float, ...], tuple[float, ...]]]

    def __init__(self, device: str) -> None:
        self.device = device
        self.path = require_file(self.weights, f"metric {self.name}")
        self._sha256 = check_file(self.path, self.weights)
        try:
            model = self.load(self.path).float().eval().requires_grad_(False)
        except (RuntimeError, KeyError, ValueError, OSError, SafetensorError, UnpicklingError) as error:
            reason = " ".join(str(error).split())[:200]
            raise BadInput(f"metric {self.name}: {self.path} does not hold its weights: {reason}") from error
        self.model = model.to(device)  # out of memory is no fault of the file

    def load(self, path: Path) -> Any:
        """The model with the weights of the file."""
        raise NotImplementedError

    def features(self, pixels: Tensor) -> Tensor:
        """Embeddings n x d of normalised pixels n x 3 x 224 x 224."""
        raise NotImplementedError

    @cached_property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        return digest_json([self.name, self._sha256, self.side, self.colours])

    @cached_property
    def preprocess(self) -> Any:
        """PIL image -> normalised pixels 3 x 224 x 224."""
        vision = library("torchvision.transforms")
        scaled = vision.Resize(self.side, interpolation=vision.InterpolationMode.BICUBIC)
        return vision.Compose(
            [scaled, vision.CenterCrop(224), vision.ToTensor(), vision.Normalize(*self.colours)]
        )

    @torch.no_grad()
    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Embeddings of RGB images, n x d."""
        return in_batches(
            images,
            lambda part: self.features(
                torch.stack([self.preprocess(image) for image in part]).to(self.device)
            ),
        )
