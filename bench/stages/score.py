"""The third stage: score(images, references) -> numbers."""

import numpy as np


def score(images: np.ndarray, references: np.ndarray) -> list[float]:
    """Per generated image the mean cosine similarity with all references; the cell's score is the mean of
    these.

    Both are unit embeddings, n x d and m x d: S = mean over all pairs of cos(f(g), f(r)), no maximum (paper's
    protocol)."""
    return [float(value) for value in (images @ references.T).mean(1)]
