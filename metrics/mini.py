"""The mini track's encoders: small residual networks, each trained by `recipes/mini` for one question."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, ResNetForImageClassification

from cbench.errors import BadInput
from cbench.metrics.batches import in_batches
from cbench.resources.pipeline_files import digest_pipeline
from cbench.utils.digest import digest_json
from cbench.utils.files import ASSETS
from cbench.utils.images import square


class MiniEncoder:
    """An encoder whose `logits` are the embedding."""

    name: ClassVar[str]
    title: ClassVar[str]
    folder: ClassVar[str]

    def __init__(self, device: str) -> None:
        self.device = device
        if not (ASSETS / "mini" / "encoders" / self.folder / "config.json").is_file():
            raise BadInput(
                f"metric {self.name}: this build of cbench has no weights for it; recipes/mini trains them"
            )
        model: Any = ResNetForImageClassification.from_pretrained(
            self._path, dtype=torch.float32, local_files_only=True
        )
        self.model = model.to(device).eval()

    @property
    def _path(self) -> str:
        return str(ASSETS / "mini" / "encoders" / self.folder)

    @cached_property
    def digest(self) -> str:
        """Digest of the weights and the configuration."""
        return digest_pipeline(ASSETS / "mini" / "encoders" / self.folder)

    @torch.no_grad()
    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Embeddings n x 128 of images, scaled to 64 x 64."""
        return in_batches(images, lambda part: self.model(self._pixels(part)).logits)

    def _pixels(self, images: Sequence[Image.Image]) -> Tensor:
        pixels = np.stack([np.asarray(square(image, 64)) for image in images])
        return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().to(self.device) / 127.5 - 1


class MiniClipI(MiniEncoder):
    """Semantic similarity: which noun, trained by contrast with captions (CLIP's role)."""

    name, title, folder = "mini_clip_i", "mini CLIP-I", "clip_i"


class MiniClipT(MiniClipI):
    """Similarity of an image and a text: the image tower of `mini_clip_i` and the pipeline's text encoder,
    trained together."""

    name, title = "mini_clip_t", "mini CLIP-T"

    def __init__(self, device: str) -> None:
        super().__init__(device)
        home = ASSETS / "mini" / "pipeline"
        text: Any = CLIPTextModelWithProjection.from_pretrained(
            str(home / "text_encoder_2"), dtype=torch.float32, local_files_only=True
        )
        self.text = text.to(device).eval()
        self.tokenizer = CLIPTokenizer.from_pretrained(str(home / "tokenizer_2"), local_files_only=True)

    @cached_property
    def digest(self) -> str:
        """Digest of both towers and the tokenizer."""
        home = ASSETS / "mini"
        return digest_json(
            [
                digest_pipeline(home / part)
                for part in ("encoders/clip_i", "pipeline/text_encoder_2", "pipeline/tokenizer_2")
            ]
        )

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings n x 128 of texts; text beyond the tokenizer's maximum length is cut off."""
        return in_batches(texts, lambda part: self.text(self._tokens(part)).text_embeds)

    def _tokens(self, texts: Sequence[str]) -> Tensor:
        tokens = self.tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt")
        return tokens.input_ids.to(self.device)


class MiniDino(MiniEncoder):
    """Which instance, independent of the background (DINO's role)."""

    name, title, folder = "mini_dino", "mini DINO", "dino"


class MiniCsd(MiniEncoder):
    """Which style, independent of the content (CSD's role)."""

    name, title, folder = "mini_csd", "mini CSD", "csd"
