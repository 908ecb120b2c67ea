"""cbench: benchmark harness and leaderboard for continual personalization of text-to-image diffusion models.

The names below are the public interface for plugins: `from cbench import Method, Memory, add, product`. Each
is imported at its first use; torch comes with the first tensor that is touched, not with an import of this
package."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from cbench.errors import BadInput
    from cbench.method import Budget, Kind, Memory, Method, Regime, Rehearsal
    from cbench.metric import ImageMetric, Metric, SetMetric, TextMetric
    from cbench.metrics.program import EncoderProgram, ImageProgram, SetProgram
    from cbench.resources.hub import HubFile
    from cbench.scale import Scale
    from cbench.search_space import tunable
    from cbench.task import Example, Stream, Task
    from cbench.track import Track
    from cbench.update import (
        Adapter,
        Factors,
        Update,
        add,
        add_factors,
        flat,
        gaussian,
        generator,
        larger,
        nbytes,
        product,
        scaled,
        total,
        unflat,
    )

PUBLIC = {
    "cbench.errors": ("BadInput",),
    "cbench.method": ("Budget", "Kind", "Memory", "Method", "Regime", "Rehearsal"),
    "cbench.metric": ("ImageMetric", "Metric", "SetMetric", "TextMetric"),
    "cbench.metrics.program": ("EncoderProgram", "ImageProgram", "SetProgram"),
    "cbench.resources.hub": ("HubFile",),
    "cbench.scale": ("Scale",),
    "cbench.search_space": ("tunable",),
    "cbench.task": ("Example", "Stream", "Task"),
    "cbench.track": ("Track",),
    "cbench.update": (
        *("Adapter", "Factors", "Update"),
        *("add", "add_factors", "larger", "product", "scaled", "total"),
        *("flat", "gaussian", "generator", "nbytes", "unflat"),
    ),
}
"""Module -> its public names."""

__all__ = [
    "Adapter",
    "BadInput",
    "Budget",
    "EncoderProgram",
    "Example",
    "Factors",
    "HubFile",
    "ImageMetric",
    "ImageProgram",
    "Kind",
    "Memory",
    "Method",
    "Metric",
    "Regime",
    "Rehearsal",
    "Scale",
    "SetMetric",
    "SetProgram",
    "Stream",
    "Task",
    "TextMetric",
    "Track",
    "Update",
    "add",
    "add_factors",
    "flat",
    "gaussian",
    "generator",
    "larger",
    "nbytes",
    "product",
    "scaled",
    "total",
    "tunable",
    "unflat",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("cbench")
    for module, names in PUBLIC.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'cbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
