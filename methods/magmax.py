"""Magnitude-based merging: every weight keeps the larger change.

tau_t = argmax-magnitude(tau_{t-1}, B_t A_t) entry by entry, W_t = W_0 + tau_t; ties go to the new task.
Marczak et al. 2024 (MagMax), as used by Staniszewski et al. 2024 (arXiv 2410.04891).
"""

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, larger, product


class MagMax(Method):
    """Fresh adapters on the merged model, merged by magnitude."""

    name = "magmax"
    title = "Magnitude-based merging"
    family = "merging"
    source = "Marczak et al. 2024, arXiv 2407.06322"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """Of the running and the new task vector the larger entries."""
        return Memory(update=larger(memory.update, product(trained)))
