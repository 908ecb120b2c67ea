"""Model breadcrumbs: every task vector loses its largest and its smallest entries, then all are summed.

tau_t = tau_{t-1} + m_t * B_t A_t, where the mask m_t of a layer of n entries is 0 at the int(outliers n)
largest magnitudes and at the smallest ones, and 1 at int(density n) entries; W_t = W_0 + scale tau_t, each
adapter trained on W_0. Davari & Belilovsky 2023 (arXiv 2312.06795).

`density` (0.9), `outliers` (0.01): mergekit's. `scale` (0.3): as `task_arithmetic`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.method import Memory, Method
from cbench.options import Rate, Scale, Share
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, add, product, scaled

if TYPE_CHECKING:
    from torch import Tensor


def middle(change: "Tensor", density: float, outliers: float) -> "Tensor":
    """The change with int(density n) entries: those below its int(outliers n) largest magnitudes.

    Fewer of the largest are dropped if else too few entries are left; equals of a border are treated
    alike."""
    import torch

    sizes, n = change.abs().flatten(), change.numel()
    kept = int(density * n)
    above = min(int(outliers * n), n - kept)
    if not kept:
        return torch.zeros_like(change)
    least, most = (sizes.kthvalue(n - above - drop).values for drop in (kept - 1, 0))
    return torch.where((change.abs() >= least) & (change.abs() <= most), change, 0.0)


@dataclass(frozen=True)
class Breadcrumbs(Method):
    """A sum of task vectors without outliers and noise. The memory has the unscaled sum."""

    density: Share = 0.9
    outliers: Rate = 0.01
    scale: Scale = tunable(0.3, low=0.1, high=2.0)

    name = "breadcrumbs"
    title = "Model breadcrumbs"
    family = "merging"
    source = "Davari & Belilovsky 2023, arXiv 2312.06795"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The sum with the new masked task vector."""
        masked = {n: middle(u, self.density, self.outliers) for n, u in product(trained).items()}
        return Memory(update=add(memory.update, masked))

    def model(self, memory: Memory, task: Task) -> Update:
        """The sum, scaled."""
        return scaled(memory.update, self.scale)
