"""Merge and initialise orthogonally: A_t starts orthogonal to what the earlier tasks used.

Column i of A_t is the right-singular vector of the smallest singular value of the 1 x r matrix made of column
i of A_{1..t-1}; B_t = 0. As published the running adapter's factors are summed apart, A_{1..t} = A_{1..t-1} +
A_t and B likewise, so the model also has the cross terms B_i A_j; with `exact` the products are summed
instead, W_t = W_{t-1} + B_t A_t. Staniszewski et al. 2024 (arXiv 2410.04891)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Factors, add, add_factors, product

if TYPE_CHECKING:
    from torch import Tensor


def orthogonal(earlier: "Tensor") -> "Tensor":
    """For r x d factors A the r x d factors whose column i is orthogonal to A's column i (unit length; r >=
    2)."""
    import torch

    return torch.linalg.svd(earlier.T[:, None, :], full_matrices=True).Vh[:, -1, :].T.contiguous()


@dataclass(frozen=True)
class OrthoInit(Method):
    """Fresh adapters, orthogonal to the sum of the earlier ones."""

    exact: bool = False

    name = "ortho_init"
    title = "Merge & orthogonal initialization"

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """A orthogonal to the running A, B = 0; Gaussian for the first task."""
        if memory.adapter is None:
            return fresh
        return {
            name: Factors(orthogonal(memory.adapter[name].A), factors.B) for name, factors in fresh.items()
        }

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The running factors, and the model merged from their product (or from the products)."""
        running = add_factors(memory.adapter, trained) if memory.adapter else trained
        merged = add(memory.update, product(trained)) if self.exact else product(running)
        return Memory(update=merged, adapter=running)
