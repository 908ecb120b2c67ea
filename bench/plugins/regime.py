"""The regimes: what a method may carry from one task to the next, checked on what it carries."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cbench.errors import BadInput
from cbench.method import Memory, Regime
from cbench.plugins.isolation import isolated

if TYPE_CHECKING:
    from cbench.update import Adapter

NUMBERS = 1024
"""Bytes of `extra` that pass for a few numbers."""
DENSE = 2
"""Dense fp32 updates that the `extra` of the regime `statistics` may fill."""


def check_memory(label: str, regime: Regime, memory: Memory, like: "Adapter") -> None:
    """BadInput if a memory has shapes other than the adapted layers', or more than the regime allows.

    `like` is an adapter of the run's layers and shapes. In every regime `adapter` is one adapter and `update`
    one model: a stack of adapters under either name would be a library."""
    with isolated(label):
        problem = _shape_problem(memory, like) or _regime_problem(regime, memory, like)
    if problem:
        raise BadInput(f"{label} {problem}")


def _shape_problem(memory: Memory, like: "Adapter") -> str | None:
    if memory.adapter is not None and shapes_of(memory.adapter) != shapes_of(like):
        return "keeps an adapter of other layers or shapes than the trained one"
    for layer, change in memory.update.items():
        if layer not in like:
            return f"keeps an update of {layer}, a layer that is not adapted"
        shape = (like[layer].B.shape[0], like[layer].A.shape[1])
        if tuple(change.shape) != shape:
            return f"keeps an update of {layer} of shape {tuple(change.shape)}, the layer's is {shape}"
    return None


def _regime_problem(regime: Regime, memory: Memory, like: "Adapter") -> str | None:
    if memory.examples and regime not in ("replay", "oracle"):
        return f"keeps training images, which the regime {regime} does not allow (replay does)"
    extra = sum(t.numel() * t.element_size() for t in memory.extra.values())
    if regime == "strict" and extra > NUMBERS:
        return (
            f"keeps {extra} bytes beside model and adapter, and the regime strict allows {NUMBERS}; "
            "declare the regime statistics or library"
        )
    dense = DENSE * sum(4 * f.B.shape[0] * f.A.shape[1] for f in like.values())
    if regime == "statistics" and extra > dense:
        return (
            f"keeps {extra} bytes of statistics, and the regime allows {dense} (two dense updates); "
            "declare the regime library"
        )
    return None


def shapes_of(adapter: Mapping[str, Any]) -> dict[str, list[tuple[int, ...]]]:
    """Layer -> shapes of its factors."""
    return {layer: [tuple(factor.shape) for factor in factors] for layer, factors in adapter.items()}
