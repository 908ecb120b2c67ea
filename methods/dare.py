"""DARE: every task vector loses entries at random and is rescaled, then all are summed.

tau_t = tau_{t-1} + m_t * B_t A_t / (1 - drop), where each entry of the mask m_t is 0 with probability `drop`,
else 1; W_t = W_0 + scale tau_t, each adapter trained on W_0. The expected sum is that of task arithmetic. Yu
et al. 2024 (arXiv 2311.03099).

`drop` (0.9): the paper's, which finds 0.9 harmless. `scale` (0.3): as `task_arithmetic`."""

from dataclasses import dataclass

from cbench.method import Memory, Method
from cbench.options import Rate, Scale
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, add, generator, product, scaled


def dropped(update: Update, drop: float, *seed: int) -> Update:
    """The update with a share of its entries at zero and the others divided by what is left."""
    import torch

    def kept(layer: str) -> torch.Tensor:
        draws = torch.rand(update[layer].shape, generator=generator(*seed, layer))
        return torch.where(draws < drop, 0.0, update[layer] / (1 - drop))

    return {layer: kept(layer) for layer in update}


@dataclass(frozen=True)
class Dare(Method):
    """A sum of sparse task vectors. The memory has the unscaled sum."""

    drop: Rate = 0.9
    scale: Scale = tunable(0.3, low=0.1, high=2.0)

    name = "dare"
    title = "DARE"
    family = "merging"
    source = "Yu et al. 2024, arXiv 2311.03099"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The sum with the new sparse task vector."""
        sparse = dropped(product(trained), self.drop, memory.seed, len(memory.learned))
        return Memory(update=add(memory.update, sparse))

    def model(self, memory: Memory, task: Task) -> Update:
        """The sum, scaled."""
        return scaled(memory.update, self.scale)
