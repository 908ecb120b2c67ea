"""The metric contract: an image encoder, compared by cosine similarity."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from PIL import Image


class Metric(Protocol):
    """An encoder, loaded once for each run: `Metric(device)`."""

    name: ClassVar[str]
    title: ClassVar[str]

    @property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        ...

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Embeddings of RGB images, n x d; they are normalised by the score stage."""
        ...


@runtime_checkable
class TextMetric(Metric, Protocol):
    """An encoder that also embeds texts, into the same space (CLIP-T)."""

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings of texts, n x d."""
        ...
