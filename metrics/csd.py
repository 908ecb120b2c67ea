"""CSD: contrastive style descriptors (Somepalli et al. 2024): CLIP's ViT-L/14 backbone and a style head of
1024 -> 768.

The checkpoint also has a content head, which is not used. The backbone is open_clip's, with OpenAI's quick
GELU."""

import argparse
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from cbench.metrics.encoder import CLIP_COLOURS, Encoder, library
from cbench.resources.hub import HubFile

HARMLESS: list[Any] = [
    argparse.Namespace,
    np.dtype,
    np.dtypes.Float64DType,
    np.dtypes.Int64DType,
    np.float64(0).__reduce__()[0],
]
"""The types in the published checkpoint besides tensors: the training's arguments and a few numbers."""


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a checkpoint read with `weights_only`, without the name prefix
    of data-parallel training."""
    if path.suffix == ".safetensors":
        tensors: Any = load_file(path)
    else:
        names: list[Any] = [(HARMLESS[-1], "numpy.core.multiarray.scalar"), *HARMLESS]
        with torch.serialization.safe_globals(names):
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        tensors = tensors.get("model_state_dict", tensors)
    return {key.removeprefix("module."): value for key, value in tensors.items()}


class StyleTower(torch.nn.Module):
    """Backbone features times the style head."""

    def __init__(self, tower: dict[str, int], tensors: dict[str, Tensor]) -> None:
        super().__init__()
        transformer = library("open_clip.transformer")
        with torch.device("meta"):
            self.backbone = transformer.VisionTransformer(
                **tower, mlp_ratio=4.0, output_dim=1, act_layer=transformer.QuickGELU
            )
        self.backbone.proj = None
        own = {
            k.removeprefix("backbone."): v
            for k, v in tensors.items()
            if k.startswith("backbone.") and k != "backbone.proj"
        }
        self.backbone.load_state_dict(own, assign=True)
        self.style = torch.nn.Parameter(tensors["last_layer_style"])

    def forward(self, pixels: Tensor) -> Tensor:
        """n x 3 x 224 x 224 -> n x 768."""
        return self.backbone(pixels) @ self.style


class Csd(Encoder):
    """Similarity of style, independent of content."""

    name, title = "csd", "CSD"
    weights = HubFile(
        repo="tomg-group-umd/CSD-ViT-L",
        name="pytorch_model.bin",
        revision="5bc26a6fb0487f3f00a2a7313135103a005b1b67",
        sha256="40e92fad63a361b8136100cd234c42d401ef9b34ff1748234318929ebcc7e7a1",
        size=2_438_228_893,
        licence="CC-BY-4.0",
        also="model.safetensors",
    )
    side, colours = 224, CLIP_COLOURS
    tower: ClassVar[dict[str, int]] = {
        "image_size": 224,
        "patch_size": 14,
        "width": 1024,
        "layers": 24,
        "heads": 16,
    }

    def load(self, path: Path) -> Any:
        """Backbone and style head."""
        return StyleTower(self.tower, read(path))

    def features(self, pixels: Tensor) -> Tensor:
        """The style head's output, n x 768 (normalised by the score stage)."""
        return self.model(pixels)
