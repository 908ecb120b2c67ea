"""Naive continual fine-tuning: one adapter, trained on and on, never merged.

W_t = W_0 + B_t A_t, where (A_t, B_t) starts from (A_{t-1}, B_{t-1}).
Staniszewski et al. 2024 (arXiv 2410.04891).
"""

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Update, product


class Naive(Method):
    """One LoRA for all tasks."""

    name = "naive"
    title = "Naive continual fine-tuning"
    family = "sequential"
    source = "Staniszewski et al. 2024, arXiv 2410.04891"

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """The adapter as the task before left it."""
        return memory.adapter or fresh

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """Only the adapter."""
        return Memory(adapter=trained)

    def model(self, memory: Memory, task: Task) -> Update:
        """The adapter's product."""
        return product(memory.adapter or {})
