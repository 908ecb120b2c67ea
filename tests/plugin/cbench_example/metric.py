"""Likeness of mean colours."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from cbench import Scale


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


class ColourWords(Colour):
    """The mean colour of an image beside the colours that a text names (grey where it names none)."""

    name = "colour_words"
    title = "Colour words"
    digest = "colour-words-1"

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """n x 3."""
        return np.array(
            [[1 + 220 * (colour in text.split()) for colour in ("red", "green", "blue")] for text in texts],
            dtype=float,
        )


class Pixels(Colour):
    """The image itself, coarsely, around the middle grey."""

    name = "pixels"
    title = "Pixels"
    digest = "pixels-1"

    def embed(self, images: Sequence[Image.Image]) -> np.ndarray:
        """n x 768."""
        return np.stack([np.asarray(image.resize((16, 16)), dtype=float).ravel() - 127.5 for image in images])


class Warmth:
    """How much redder than blue an image is, and how long its prompt: a number an image."""

    name = "warmth"
    title = "Warmth"
    digest = "warmth-1"
    scale = Scale(unit="levels", better="higher")

    def __init__(self, device: str) -> None:
        self.device = device

    def score(self, images: Sequence[Image.Image], prompts: Sequence[str]) -> list[float]:
        """n numbers."""
        colours = [np.asarray(image, dtype=float).mean((0, 1)) for image in images]
        return [float(c[0] - c[2]) + 1000 * len(p) for c, p in zip(colours, prompts, strict=True)]


class ColourGap:
    """The distance of the mean colours of two sets of images."""

    name = "colour_gap"
    title = "Colour gap"
    digest = "colour-gap-1"
    scale = Scale(unit="levels", better="lower", low=0)

    def __init__(self, device: str) -> None:
        self.device = device

    def compare(self, images: Sequence[Image.Image], others: Sequence[Image.Image], paired: bool) -> float:
        """The Euclidean distance of two colours."""
        one, two = (
            np.mean([np.asarray(i, dtype=float).mean((0, 1)) for i in s], 0) for s in (images, others)
        )
        return float(np.linalg.norm(one - two))
