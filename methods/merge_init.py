"""Merge and initialise: a fresh adapter for every task, merged into the model at the task's end.

W_t = W_{t-1} + B_t A_t, where A_t starts Gaussian and B_t = 0.
Staniszewski et al. 2024 (arXiv 2410.04891).
"""

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, add, product


class MergeInit(Method):
    """Fresh adapters, summed."""

    name = "merge_init"
    title = "Merge & initialization"
    family = "merging"
    source = "Staniszewski et al. 2024, arXiv 2410.04891"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with the adapter merged in."""
        return Memory(update=add(memory.update, product(trained)))
