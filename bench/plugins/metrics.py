"""The one door to metrics: the class is checked before its first use, the numbers when it returns them."""

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple, get_args

import numpy as np
from PIL import Image

from cbench.errors import BadInput
from cbench.metric import ImageMetric, Kind, SetMetric
from cbench.plugins import registry
from cbench.plugins.isolation import isolated, plugin_label
from cbench.scale import COSINE, Scale


class Loaded(NamedTuple):
    """A metric, loaded, with what cbench has checked of it."""

    metric: Any
    kind: Kind
    scale: Scale
    digest: str


def kind_of(name: str, metric: Any) -> Kind:
    """Which of the three functions a metric (or its class) has; BadInput unless it has exactly one."""
    kinds = [kind for kind in get_args(Kind) if callable(getattr(metric, kind, None))]
    if len(kinds) != 1:
        has = " and ".join(kinds) or "none"
        raise BadInput(
            f"{plugin_label('metrics', name)} must have one of the functions {', '.join(get_args(Kind))}; it "
            f"has {has}"
        )
    return kinds[0]


def embeds(name: str) -> bool:
    """Whether the registered metric of this name embeds images; it is imported, not loaded."""
    return kind_of(name, registry.load("metrics", name)) == "embed"


def load_metric(name: str, device: str) -> Loaded:
    """The registered metric of this name, loaded. Raises BadInput that names its package if it fails or lacks
    a part of the contract."""
    who, build = plugin_label("metrics", name), registry.load("metrics", name)
    kind = kind_of(name, build)
    with isolated(who):
        metric = build(device)
        digest, scale = metric.digest, getattr(metric, "scale", None)
    if not isinstance(digest, str) or not digest:
        raise BadInput(f"{who} needs a digest of type str: stored scores are found by it")
    if kind == "embed":
        return Loaded(metric, kind, COSINE, digest)
    if not isinstance(scale, Scale):
        raise BadInput(f"{who} needs a scale: Scale(unit=..., better='higher' or 'lower', low=..., high=...)")
    return Loaded(metric, kind, scale, digest)


def score_images(
    name: str, metric: ImageMetric, scale: Scale, images: Sequence[Image.Image], prompts: Sequence[str]
) -> list[float]:
    """The number of each image; BadInput if the metric raises, or returns other than n numbers of its
    scale."""
    who = plugin_label("metrics", name)
    with isolated(who):
        values = np.asarray(metric.score(list(images), list(prompts)), dtype=np.float64)
    if values.shape != (len(images),):
        raise BadInput(f"{who} returned {values.shape} for {len(images)} images")
    return [_checked(who, value, scale) for value in values.tolist()]


def compare_sets(
    name: str,
    metric: SetMetric,
    scale: Scale,
    images: Sequence[Image.Image],
    others: Sequence[Image.Image],
    paired: bool,
) -> float:
    """The number of a set of images against another; BadInput if the metric raises, or returns no number of
    its scale."""
    who = plugin_label("metrics", name)
    with isolated(who):
        value = float(metric.compare(list(images), list(others), paired))
    return _checked(who, value, scale)


def _checked(who: str, value: float, scale: Scale) -> float:
    low, high = scale.limits
    if not isfinite(value):
        raise BadInput(f"{who} returned {value}, which is not finite")
    if not low <= value <= high:
        raise BadInput(f"{who} returned {value:g}, outside its scale of {scale.low} to {scale.high}")
    return value
