"""Merge & fade: earlier changes of the model shrink whenever a new one is merged.

W_t = W_0 + decay (W_{t-1} - W_0) + B_t A_t, where A_t starts Gaussian and B_t = 0.
"""

from dataclasses import dataclass

from cbench import Adapter, Memory, Method, Task, add, product, scaled


@dataclass(frozen=True)
class FadingMerge(Method):
    """Fresh adapters, summed into a fading update."""

    decay: float = 0.9

    name = "fading_merge"
    title = "Merge & fade"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The faded update with the new adapter merged in."""
        return Memory(update=add(scaled(memory.update, self.decay), product(trained)))
