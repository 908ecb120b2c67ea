"""The metric contract: how similar, how good or how far apart generated images are.

A metric is a class with a name, a title, a digest and ONE of three functions: `embed` (an encoder; cbench
takes cosine similarities with the references), `score` (a number an image, from the image and its prompt) or
`compare` (one number for a set of images, against another set). The last two also have a `scale`.

A cell of the score matrix is one number: with `embed` and `score` the mean over the cell's images; with
`compare` that of all images of the cell (every prompt, every noise) against the task's references."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from cbench.scale import Scale

Kind = Literal["embed", "score", "compare"]
"""What a metric computes: the name of its function."""


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


class ImageMetric(Protocol):
    """A number for every image, from the image and its prompt: preference, VQA, aesthetics, sharpness."""

    name: ClassVar[str]
    title: ClassVar[str]
    scale: ClassVar[Scale]

    @property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        ...

    def score(self, images: Sequence[Image.Image], prompts: Sequence[str]) -> Sequence[float]:
        """n numbers for n RGB images; `prompts[i]` is the prompt of `images[i]` without the identifier,
        which no model but the trained one knows."""
        ...


class SetMetric(Protocol):
    """One number for a set of images, against another set: KID, CMMD; or of the set alone: diversity."""

    name: ClassVar[str]
    title: ClassVar[str]
    scale: ClassVar[Scale]

    @property
    def digest(self) -> str:
        """Identity of the weights and the preprocessing."""
        ...

    def compare(self, images: Sequence[Image.Image], others: Sequence[Image.Image], paired: bool) -> float:
        """The number of the n RGB `images`; `others` are the m images to compare them with.

        In a cell of the score matrix, `images` are all images of the cell and `others` the task's references.
        For the drift of the base model, `images` are the final model's images of the generic prompts and
        `others` the base model's: then `paired` is True, n = m, and `images[i]` and `others[i]` have the same
        prompt and noise, so they are not independent. A metric may ignore `others` and `paired`."""
        ...
