"""The one door to a metric that embeds: it is asked isolated, and its answer is checked."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from cbench.errors import BadInput
from cbench.metric import Metric, TextMetric
from cbench.plugins.isolation import isolated, plugin_label


def embed(metric: Metric, images: Sequence[Image.Image]) -> np.ndarray:
    """Unit embeddings of images, n x d in float64; BadInput if the metric raises or returns nonsense."""
    with isolated(plugin_label("metrics", metric.name)):
        given = metric.embed(list(images))
    return _unit(metric, given, len(images), "images")


def embed_texts(metric: TextMetric, texts: Sequence[str]) -> np.ndarray:
    """Unit embeddings of texts, n x d in float64; BadInput if the metric raises or returns nonsense."""
    with isolated(plugin_label("metrics", metric.name)):
        given = metric.embed_texts(list(texts))
    return _unit(metric, given, len(texts), "texts")


def _unit(metric: Metric, given: np.ndarray, count: int, what: str) -> np.ndarray:
    who = plugin_label("metrics", metric.name)
    with isolated(who):
        values = np.asarray(given, dtype=np.float64)
    if values.ndim != 2 or len(values) != count or not np.isfinite(values).all():
        raise BadInput(f"{who} returned {values.shape} for {count} {what}, or numbers that are not finite")
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    if not lengths.all():
        raise BadInput(f"{who} returned an embedding of length zero, which points nowhere")
    return values / lengths
