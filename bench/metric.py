"""The metric contract: an image encoder, compared by cosine similarity."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import numpy as np
from PIL import Image


class Metric(Protocol):
    """An encoder, loaded once a run: `Metric(device)`."""

    name: ClassVar[str]
    title: ClassVar[str]

    @property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        ...

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Embeddings of RGB images, n x d."""
        ...
