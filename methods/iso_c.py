"""Iso-C: the sum of all task vectors with all its singular values equal.

B_1 A_1 + .. + B_t A_t = U S V^T per layer, over the numerical rank; W_t = W_0 + scale mean(S) U V^T, each
adapter trained on W_0. Marczak et al. 2025 (arXiv 2502.04959), who average over min(d_out, d_in) singular
values: for sums of low rank that fills an arbitrary basis of the null space.

`scale` (1): tune; the paper chooses it on validation data."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.linear_algebra import svd_of_rank
from cbench.method import Memory, Method
from cbench.options import Scale
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, add, product, scaled

if TYPE_CHECKING:
    from torch import Tensor

RANK = "rank"
"""Name of the bound of the sum's rank in the memory."""


def isotropic(change: "Tensor", rank: int) -> "Tensor":
    """The change, of at most this rank, with the mean of its singular values in place of each."""
    U, S, Vh = svd_of_rank(change, rank)
    return ((U * S.mean()) @ Vh).to(change)


@dataclass(frozen=True)
class IsoC(Method):
    """A sum with a flat spectrum. The memory has the plain sum, and one number: the bound of its rank."""

    scale: Scale = tunable(1.0, low=0.1, high=2.0)

    name = "iso_c"
    title = "Iso-C"
    family = "merging"
    source = "Marczak et al. 2025, arXiv 2502.04959"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The sum of the products."""
        import torch

        rank = max(len(factors.A) for factors in trained.values())
        bound = torch.tensor(rank * (len(memory.learned) + 1))
        return Memory(update=add(memory.update, product(trained)), extra={RANK: bound})

    def model(self, memory: Memory, task: Task) -> Update:
        """The sum with a flat spectrum, scaled."""
        flat = {n: isotropic(u, int(memory.extra[RANK])) for n, u in memory.update.items()}
        return scaled(flat, self.scale)
