"""The adapters of all tasks in a memory's `extra` (regime `library`), named `<task>/<tensor>`, and their
products."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cbench.update import Adapter, Factors, Update, flat, unflat

if TYPE_CHECKING:
    from torch import Tensor


def shelved(extra: Mapping[str, "Tensor"], task: str, adapter: Adapter) -> dict[str, "Tensor"]:
    """`extra` with the adapter of a task."""
    return {**extra, **{f"{task}/{name}": tensor for name, tensor in flat(adapter).items()}}


def library(extra: Mapping[str, "Tensor"]) -> dict[str, Adapter]:
    """Task -> its adapter, in the order in which they were kept."""
    tasks: dict[str, dict[str, Tensor]] = {}
    for key, tensor in extra.items():
        task, _, name = key.rpartition("/")  # a layer's name has no slash
        tasks.setdefault(task, {})[name] = tensor
    return {task: unflat(tensors) for task, tensors in tasks.items()}


def by_layer(extra: Mapping[str, "Tensor"]) -> dict[str, list[Factors]]:
    """Layer -> its factors in every task, in order."""
    adapters = [*library(extra).values()]
    return {layer: [adapter[layer] for adapter in adapters] for layer in (adapters[0] if adapters else ())}


class Products(Mapping[str, "Tensor"]):
    """The update of an adapter, each layer multiplied when it is read: one dense layer at a time."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    def __getitem__(self, layer: str) -> "Tensor":
        A, B = self.adapter[layer]
        return B @ A

    def __iter__(self) -> Iterator[str]:
        return iter(self.adapter)

    def __len__(self) -> int:
        return len(self.adapter)


def products(extra: Mapping[str, "Tensor"]) -> list[Update]:
    """The updates of all tasks, in order, each layer multiplied when it is read."""
    return [Products(adapter) for adapter in library(extra).values()]
