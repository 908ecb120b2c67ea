"""Likeness of mean colours."""

from collections.abc import Sequence

import numpy as np
from PIL import Image


class Colour:
    """The mean colour of an image, as an embedding."""

    name = "colour"
    title = "Colour"
    digest = "colour-1"

    def __init__(self, device: str) -> None:
        self.device = device

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """n x 3."""
        return np.stack([np.asarray(image, dtype=float).mean((0, 1)) + 1 for image in images])


class Brightness(Colour):
    """The mean light of an image, beside a constant."""

    name = "brightness"
    title = "Brightness"
    digest = "brightness-1"

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """n x 2."""
        return np.stack([[np.asarray(image, dtype=float).mean(), 100.0] for image in images])
