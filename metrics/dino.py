"""DINO: self-supervised ViT-S/16 (Caron et al. 2021), by timm; the class token after the final norm."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from cbench.metrics.encoder import IMAGENET_COLOURS, Encoder, library
from cbench.resources.hub import HubFile


class Dino(Encoder):
    """Similarity of instances: DINO is trained to distinguish images, not classes."""

    name, title = "dino", "DINO"
    weights = HubFile(
        repo="timm/vit_small_patch16_224.dino",
        name="model.safetensors",
        revision=None,
        sha256="8d4795b8e4e327c6d841e15a2e3e6d88c45346256a43f8cdae8c26d92c806f7a",
        size=86_676_340,
        licence="Apache-2.0",
    )
    side, colours = 256, IMAGENET_COLOURS

    def load(self, path: Path) -> Any:
        """The ViT without a head."""
        model = library("timm").create_model("vit_small_patch16_224", num_classes=0)
        model.load_state_dict(load_file(path))
        return model

    def features(self, pixels: Tensor) -> Tensor:
        """Class tokens after the final norm, n x 384."""
        return self.model.forward_features(pixels)[:, 0]
