"""DINOv2: self-supervised ViT-B/14 (Oquab et al. 2024, arXiv 2304.07193), by timm; the class token after the
final norm.

Images are read at 224 pixels as in the authors' evaluation; timm resamples the position embeddings, which
were trained at 518."""

from pathlib import Path
from typing import Any, ClassVar

from safetensors.torch import load_file
from torch import Tensor

from cbench.metrics.encoder import IMAGENET_COLOURS, Encoder, library
from cbench.resources.hub import HubFile


class DinoV2(Encoder):
    """Similarity of instances: DINO's successor, trained on 142 million curated images."""

    name, title = "dinov2", "DINOv2"
    weights = HubFile(
        repo="timm/vit_base_patch14_dinov2.lvd142m",
        name="model.safetensors",
        revision="1dc7cda4727a9f4baa37f3ef407928dd642d0149",
        sha256=None,
        size=346_000_000,
        licence="Apache-2.0",
    )
    side, colours = 256, IMAGENET_COLOURS
    architecture: ClassVar[str] = "vit_base_patch14_dinov2"

    def load(self, path: Path) -> Any:
        """The ViT without a head, at 224 pixels."""
        timm = library("timm")
        model = timm.create_model(self.architecture, num_classes=0, img_size=self.crop)
        fitted = library("timm.models.vision_transformer").checkpoint_filter_fn(load_file(path), model)
        model.load_state_dict(fitted)
        return model

    def features(self, pixels: Tensor) -> Tensor:
        """Class tokens after the final norm, n x 768."""
        return self.model.forward_features(pixels)[:, 0]
