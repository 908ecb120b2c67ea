"""Merge a share of every adapter."""

from dataclasses import dataclass

from cbench.method import Memory, Method
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, add, product


@dataclass(frozen=True)
class HalfMerge(Method):
    """W_t = W_{t-1} + share * B_t A_t."""

    share: float = tunable(0.5, low=0.05, high=2.0)

    name = "half_merge"
    title = "Half merge"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with a share of the adapter merged in."""
        shared = {name: self.share * change for name, change in product(trained).items()}
        return Memory(update=add(memory.update, shared))
