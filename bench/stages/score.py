"""The third stage: score(images, references, encoder) -> numbers."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from cbench.errors import BadInput
from cbench.metric import Metric, TextMetric
from cbench.plugins.isolation import isolated, plugin_label


def score(images: np.ndarray, references: np.ndarray) -> list[float]:
    """Per generated image the mean cosine similarity with all references; the cell's score is the mean of
    these.

    Both are unit embeddings, n x d and m x d: S = mean over all pairs of cos(f(g), f(r)), no maximum (paper's
    protocol)."""
    return [float(value) for value in (images @ references.T).mean(1)]


def embed(metric: Metric, images: Sequence[Image.Image]) -> np.ndarray:
    """Unit embeddings of images, n x d in float64; BadInput where the metric raises or returns nonsense."""
    with isolated(plugin_label("metrics", metric.name)):
        given = metric.embed(list(images))
    return _unit(metric, given, len(images), "images")


def embed_texts(metric: TextMetric, texts: Sequence[str]) -> np.ndarray:
    """Unit embeddings of texts, n x d in float64; BadInput where the metric raises or returns nonsense."""
    with isolated(plugin_label("metrics", metric.name)):
        given = metric.embed_texts(list(texts))
    return _unit(metric, given, len(texts), "texts")


def _unit(metric: Metric, given: np.ndarray, count: int, what: str) -> np.ndarray:
    who = plugin_label("metrics", metric.name)
    with isolated(who):
        found = np.asarray(given, dtype=np.float64)
    if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
        raise BadInput(f"{who} gave {found.shape} for {count} {what}, or numbers that are not finite")
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not lengths.all():
        raise BadInput(f"{who} gave an embedding of length zero, which points nowhere")
    return found / lengths
