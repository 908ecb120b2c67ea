"""Task arithmetic: the sum of all task vectors, scaled.

W_t = W_0 + scale (B_1 A_1 + .. + B_t A_t), each adapter trained on W_0. Ilharco et al. 2023 (arXiv
2212.04089).

`scale` (0.3): FusionBench's; the paper chooses it on validation data."""

from dataclasses import dataclass

from cbench.method import Memory, Method
from cbench.options import Scale
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, add, product, scaled


@dataclass(frozen=True)
class TaskArithmetic(Method):
    """A scaled sum. The memory has the plain sum."""

    scale: Scale = tunable(0.3, low=0.1, high=2.0)

    name = "task_arithmetic"
    title = "Task arithmetic"
    family = "merging"
    source = "Ilharco et al. 2023, arXiv 2212.04089"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The sum of the products."""
        return Memory(update=add(memory.update, product(trained)))

    def model(self, memory: Memory, task: Task) -> Update:
        """The sum, scaled."""
        return scaled(memory.update, self.scale)
