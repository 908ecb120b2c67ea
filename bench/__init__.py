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
    from cbench.metric import Metric, TextMetric
    from cbench.resources.hub import HubFile
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
        unflat,
    )

PUBLIC = {
    "cbench.errors": ("BadInput",),
    "cbench.method": ("Budget", "Kind", "Memory", "Method", "Regime", "Rehearsal"),
    "cbench.metric": ("Metric", "TextMetric"),
    "cbench.resources.hub": ("HubFile",),
    "cbench.search_space": ("tunable",),
    "cbench.task": ("Example", "Stream", "Task"),
    "cbench.track": ("Track",),
    "cbench.update": (
        *("Adapter", "Factors", "Update"),
        *("add", "add_factors", "larger", "product", "scaled"),
        *("flat", "gaussian", "generator", "nbytes", "unflat"),
    ),
}
"""Module -> its public names."""

__all__ = [
    "Adapter",
    "BadInput",
    "Budget",
    "Example",
    "Factors",
    "HubFile",
    "Kind",
    "Memory",
    "Method",
    "Metric",
    "Regime",
    "Rehearsal",
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
