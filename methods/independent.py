"""An adapter for every task, trained alone and used for its task alone: nothing can be forgotten.

The model of task j's prompts is W_0 + B_j A_j, with A_j Gaussian and B_j = 0 at the start. The upper bound of
a task's own score without knowledge shared between tasks."""

from cbench.library import library, shelved
from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Update, product


class Independent(Method):
    """One adapter a task."""

    name = "independent"
    title = "Independent adapters"
    family = "bound"
    regime = "oracle"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """All adapters."""
        return Memory(extra=shelved(memory.extra, task.name, trained))

    def model(self, memory: Memory, task: Task) -> Update:
        """The product of the task's own adapter."""
        return product(library(memory.extra).get(task.name, {}))
