"""SigLIP 2: the image tower of ViT-B/16 (Tschannen et al. 2025, arXiv 2502.14786), by timm; the output of the
attention pooling.

As in the authors' code, GELU is the tanh approximation (timm's default is the exact one), and the image is
scaled to a square of 224 pixels, not cropped. The text tower is not used: its tokenizer is another file of
another repository."""

from pathlib import Path
from typing import Any, ClassVar

from safetensors.torch import load_file
from torch import Tensor

from cbench.metrics.encoder import SIGLIP_COLOURS, Encoder, library
from cbench.resources.hub import HubFile


class SigLip2(Encoder):
    """Semantic similarity: trained with texts as CLIP is, by a sigmoid loss and on more languages."""

    name, title = "siglip2", "SigLIP2"
    weights = HubFile(
        repo="timm/vit_base_patch16_siglip_224.v2_webli",
        name="model.safetensors",
        revision=None,
        sha256=None,
        size=371_000_000,
        licence="Apache-2.0",
    )
    side, colours = (224, 224), SIGLIP_COLOURS
    architecture: ClassVar[str] = "vit_base_patch16_siglip_224"

    def load(self, path: Path) -> Any:
        """The image tower with its attention pooling, without a head."""
        model = library("timm").create_model(self.architecture, num_classes=0, act_layer="gelu_tanh")
        model.load_state_dict(load_file(path))
        return model

    def features(self, pixels: Tensor) -> Tensor:
        """Pooled image embeddings, n x 768."""
        return self.model(pixels)
