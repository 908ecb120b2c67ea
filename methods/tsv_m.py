"""TSV-Merge: the tasks' singular vectors, made orthogonal to one another before they are summed.

Per layer B_i A_i = U_i S_i V_i^T, the first k_i = min(rank, min(d_out, d_in) // t) triplets of each task
beside one another in U, S, V; W_t = W_0 + scale polar(U) S polar(V)^T, where polar(X) is the nearest matrix
with orthonormal columns; each adapter trained on W_0. Gargiulo et al. 2025 (arXiv 2412.00081). The rank is
the numerical one: other triplets of a low-rank product are arbitrary.

`scale` (1): the paper's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.library import by_layer, shelved
from cbench.linear_algebra import polar, svd_of_product
from cbench.method import Memory, Method
from cbench.options import Scale
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, scaled

if TYPE_CHECKING:
    from torch import Tensor


def decorrelated(tasks: Sequence[Factors]) -> "Tensor":
    """One layer's merger of its factors in all tasks."""
    import torch

    most = max(1, min(len(tasks[0].B), tasks[0].A.shape[1]) // len(tasks))
    U, S, Vh = zip(*(svd_of_product(factors) for factors in tasks), strict=True)
    left, right = torch.cat([u[:, :most] for u in U], dim=1), torch.cat([v[:most] for v in Vh])
    return ((polar(left) * torch.cat([s[:most] for s in S])) @ polar(right.T).T).to(tasks[0].B)


@dataclass(frozen=True)
class TsvM(Method):
    """A sum of orthogonalised task vectors."""

    scale: Scale = tunable(1.0, low=0.1, high=2.0)

    name = "tsv_m"
    title = "TSV-Merge"
    family = "merging"
    source = "Gargiulo et al. 2025, arXiv 2412.00081"
    regime = "library"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """All adapters."""
        return Memory(extra=shelved(memory.extra, task.name, trained))

    def model(self, memory: Memory, task: Task) -> Update:
        """The layers' mergers, scaled."""
        merged = {n: decorrelated(tasks) for n, tasks in by_layer(memory.extra).items()}
        return scaled(merged, self.scale)
