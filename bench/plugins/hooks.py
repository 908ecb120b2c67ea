"""Asks a method for its decisions, and looks at the answers before anything is done with them."""

from collections.abc import Mapping
from typing import Any

from cbench.errors import BadInput
from cbench.method import Memory, Method
from cbench.plugins.isolation import isolated, plugin_label
from cbench.task import Example

ANSWERS: dict[str, type] = {
    "frozen": Mapping,
    "start": Mapping,
    "examples": tuple,
    "keep": Memory,
    "model": Mapping,
}
"""Decision -> the type of the answer."""


def ask(method: Method, decision: str, *handed: Any) -> Any:
    """A method's answer. BadInput names its package where it raises, answers nonsense, or changes what it was
    handed."""
    who = plugin_label("methods", method.name)
    with isolated(f"{who} ({decision})", *handed, often=decision == "penalty"):
        answer = getattr(method, decision)(*handed)
    wanted = ANSWERS.get(decision)
    if wanted and not isinstance(answer, wanted):
        raise BadInput(f"{who} ({decision}) gave {type(answer).__name__}, not {wanted.__name__}")
    if decision in ("frozen", "model"):
        _check_update(who, decision, answer)
    if decision == "start":
        _check_start(who, answer, handed[1])
    if decision == "penalty" and answer is not None and getattr(answer, "numel", int)() != 1:
        raise BadInput(f"{who} (penalty) gave neither None nor a tensor of one number")
    if decision == "examples" and not (answer and all(isinstance(e, Example) for e in answer)):
        raise BadInput(f"{who} (examples) gave no examples, or something else")
    return answer


def _check_start(who: str, start: Mapping[str, Any], fresh: Mapping[str, Any]) -> None:
    def shapes(adapter: Mapping[str, Any]) -> dict[str, list[tuple[int, ...]]]:
        return {layer: [tuple(factor.shape) for factor in factors] for layer, factors in adapter.items()}

    with isolated(f"{who} (start)"):
        same = shapes(start) == shapes(fresh)
    if not same:
        raise BadInput(f"{who} (start) gave an adapter of other layers or shapes than the fresh one")


def _check_update(who: str, decision: str, update: Mapping[str, Any]) -> None:
    import torch

    for layer, change in update.items():
        if not isinstance(change, torch.Tensor) or change.ndim != 2 or not torch.isfinite(change).all():
            raise BadInput(
                f"{who} ({decision}) gave an update of {layer} that is no matrix of finite numbers"
            )
