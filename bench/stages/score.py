"""The third stage: score(images, references, encoder) -> numbers."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from cbench.metric import Metric


def score(images: np.ndarray, references: np.ndarray) -> list[float]:
    """Per generated image the mean cosine similarity with all references; the cell's score is the mean of these.

    Both are unit embeddings, n x d and m x d: S = mean over all pairs of cos(f(g), f(r)), no maximum (paper's protocol).
    """
    return [float(value) for value in (images @ references.T).mean(1)]


def embed(metric: Metric, images: Sequence[Image.Image]) -> np.ndarray:
    """Unit embeddings of images, n x d in float64; ValueError where the metric returns nonsense."""
    found = np.asarray(metric.embed(images), dtype=np.float64)
    if found.ndim != 2 or len(found) != len(images) or not np.isfinite(found).all():
        raise ValueError(f"metric {metric.name} gave {found.shape} for {len(images)} images, or numbers that are not finite")
    return found / np.linalg.norm(found, axis=1, keepdims=True)
