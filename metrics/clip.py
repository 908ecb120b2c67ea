"""CLIP-I and CLIP-T: CLIP ViT-B/32 with OpenAI's weights (Radford et al. 2021), by open_clip.

OpenAI trained with quick GELU (x * sigmoid(1.702 x)); the embedding is the projected one, for images and for
texts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from cbench.metrics.batches import in_batches
from cbench.metrics.encoder import CLIP_COLOURS, Encoder, library
from cbench.resources.hub import HubFile


class ClipI(Encoder):
    """Similarity of images by CLIP."""

    name, title = "clip_i", "CLIP-I"
    weights = HubFile(
        repo="timm/vit_base_patch32_clip_224.openai",
        name="open_clip_model.safetensors",
        revision="a6f597a30f7b82c51704746581f9a4e41421e878",
        sha256="e6d1bd7789aa45192b3bf90570a789b478bae1b74ebcce7eddd908e83a2b7c31",
        size=605_000_000,
        licence="MIT",
    )
    side: ClassVar[int | tuple[int, int]] = 224
    colours = CLIP_COLOURS
    architecture: ClassVar[str] = "ViT-B-32-quickgelu"

    def load(self, path: Path) -> Any:
        """The whole CLIP, with image and text towers: the file has both."""
        open_clip = library("open_clip")
        model = open_clip.CLIP(**open_clip.get_model_config(self.architecture))
        model.load_state_dict(load_file(path))
        self.tokenizer = open_clip.get_tokenizer(self.architecture)
        return model

    def features(self, pixels: Tensor) -> Tensor:
        """Projected image embeddings, n x 512."""
        return self.model.encode_image(pixels)


class ClipL336(ClipI):
    """CLIP ViT-L/14 at 336 pixels, the space of CMMD (Jayasumana et al. 2024): the image is scaled to a
    square, not cropped, as in their code."""

    name, title = "clip_l_336", "CLIP-I ViT-L/14 336"
    weights = HubFile(
        repo="timm/vit_large_patch14_clip_336.openai",
        name="open_clip_model.safetensors",
        revision=None,
        sha256=None,
        size=1_711_000_000,
        licence="MIT",
    )
    side, crop = (336, 336), 336
    architecture = "ViT-L-14-336-quickgelu"


class ClipT(ClipI):
    """Similarity of an image and a text: both towers of the same weights; images are read as in `clip_i`."""

    name, title = "clip_t", "CLIP-T"

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Projected text embeddings, n x 512; text beyond 77 tokens is cut off."""
        return in_batches(
            texts, lambda part: self.model.encode_text(self.tokenizer(list(part)).to(self.device))
        )
