"""The third stage: score(images, references or prompts) -> numbers."""

from typing import Any, NamedTuple

import numpy as np


class CellScores(NamedTuple):
    """The numbers of a cell: one for every image, or one for all of them together."""

    per_image: tuple[float, ...] = ()
    of_set: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The numbers as stored."""
        return {"per_image": list(self.per_image)} if self.of_set is None else {"of_set": self.of_set}

    @property
    def cell(self) -> float:
        """The cell's score: the mean over its images, or the number of the set."""
        return float(np.mean(self.per_image)) if self.of_set is None else self.of_set


def score(images: np.ndarray, references: np.ndarray) -> list[float]:
    """Per generated image the mean cosine similarity with all references; the cell's score is the mean of
    these.

    Both are unit embeddings, n x d and m x d: S = mean over all pairs of cos(f(g), f(r)), no maximum (paper's
    protocol)."""
    return [float(value) for value in (images @ references.T).mean(1)]
