"""MagMax as published: one adapter is trained further, and every weight keeps its largest change.

m_t = argmax-magnitude(m_{t-1}, B_t A_t) entry by entry, W_t = W_0 + scale m_t, where (A_t, B_t) starts from
(A_{t-1}, B_{t-1}) on W_0; ties go to the new task. Marczak et al. 2024 (arXiv 2407.06322). `magmax` is the
variant of Staniszewski et al. 2024, with fresh adapters on the merged model.

`scale` (0.5): the authors' code."""

from dataclasses import dataclass

from cbench.method import Memory, Method
from cbench.options import Scale
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, larger, product, scaled


@dataclass(frozen=True)
class MagMaxSeq(Method):
    """Naive fine-tuning, merged by magnitude. The memory has the unscaled entries."""

    scale: Scale = tunable(0.5, low=0.1, high=2.0)

    name = "magmax_seq"
    title = "MagMax (sequential)"
    family = "merging"
    source = "Marczak et al. 2024, arXiv 2407.06322"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: the adapter has all tasks in it."""
        return {}

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """The adapter as the task before left it."""
        return memory.adapter or fresh

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The larger entries, and the adapter."""
        return Memory(update=larger(memory.update, product(trained)), adapter=trained)

    def model(self, memory: Memory, task: Task) -> Update:
        """The larger entries, scaled."""
        return scaled(memory.update, self.scale)
