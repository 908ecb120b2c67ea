"""The method contract: what a method decides at the borders of a task.

A method is a frozen dataclass; its fields are its options. Its functions are pure: memory, adapter and update
in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from cbench.task import Example, Task

if TYPE_CHECKING:
    from torch import Tensor

    from cbench.update import Adapter, Update


NOTHING: Mapping[str, "Tensor"] = MappingProxyType({})


class Memory(NamedTuple):
    """What is carried from one task to the next; its bytes are measured and shown."""

    update: "Update" = NOTHING
    """W - W0 merged into the model so far."""
    adapter: "Adapter | None" = None
    """At most one adapter kept beside the model."""
    extra: Mapping[str, "Tensor"] = NOTHING
    """Anything else a method of the `replay` or `oracle` regime keeps."""
    examples: tuple[Example, ...] = ()
    """Training images kept (`replay`, `oracle`)."""


@dataclass(frozen=True)
class Method:
    """Base of all methods. The defaults describe a fresh adapter on top of the merged model; `keep` is what a
    method must say."""

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[int] = 1
    """Raised whenever the method's numbers change."""
    regime: ClassVar[Literal["strict", "replay", "oracle"]] = "strict"
    trains: ClassVar[bool] = True

    def frozen(self, memory: Memory) -> "Update":
        """The update under the adapter, fixed while the task trains."""
        return memory.update

    def start(self, memory: Memory, fresh: "Adapter") -> "Adapter":
        """The adapter that training starts from; `fresh` has A Gaussian and B = 0."""
        return fresh

    def examples(self, memory: Memory, task: Task) -> tuple[Example, ...]:
        """The images and captions to train on."""
        return task.examples

    def penalty(self, memory: Memory, adapter: "Adapter") -> "Tensor | None":
        """A differentiable term added to the loss, of the adapter in training."""
        return None

    def keep(self, memory: Memory, trained: "Adapter", task: Task) -> Memory:
        """The memory after the task."""
        raise NotImplementedError

    def model(self, memory: Memory, task: Task) -> "Update":
        """The update that the model has when it is asked for images of `task`."""
        return memory.update
