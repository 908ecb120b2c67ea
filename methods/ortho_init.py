"""Merge and initialise orthogonally: A_t starts orthogonal, column by column, to the sum of the earlier A.

Column i of A_t is the right-singular vector of the smallest singular value of the 1 x r matrix made of column
i of A_1 + .. + A_{t-1}; B_t = 0; W_t = W_{t-1} + B_t A_t. Staniszewski et al. 2024 (arXiv 2410.04891); their
poster states the sum of products. With `sum=factors` the factors are summed apart, as in the authors' code,
so the model also has the cross terms B_i A_j. The start is nearly rank one, and sqrt(r) times as long as a
Gaussian one: nearly every column is the last unit vector. `ortho_rows` is orthogonal to the earlier tasks'
row spaces instead."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cbench.errors import BadInput
from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Factors, add, add_factors, product

if TYPE_CHECKING:
    from torch import Tensor


def orthogonal(earlier: "Tensor") -> "Tensor":
    """For r x d factors A the r x d factors with column i orthogonal to A's column i (unit length). r >=
    2."""
    import torch

    if len(earlier) < 2:
        raise BadInput("ortho_init needs a rank of at least 2: a vector of one number has no orthogonal one")
    return torch.linalg.svd(earlier.T[:, None, :], full_matrices=True).Vh[:, -1, :].T.contiguous()


@dataclass(frozen=True)
class OrthoInit(Method):
    """Fresh adapters, orthogonal to the sum of the earlier ones."""

    sum: Literal["products", "factors"] = "products"

    name = "ortho_init"
    title = "Merge & orthogonal initialization"
    family = "orthogonality"
    source = "Staniszewski et al. 2024, arXiv 2410.04891"
    version = 2

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """A orthogonal to the running A, B = 0; Gaussian for the first task."""
        running = memory.adapter
        return {n: Factors(orthogonal(running[n].A), f.B) for n, f in fresh.items()} if running else fresh

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The running factors, and the model with the product merged in (or the product of the running
        factors)."""
        running = add_factors(memory.adapter, trained) if memory.adapter else trained
        merged = product(running) if self.sum == "factors" else add(memory.update, product(trained))
        return Memory(update=merged, adapter=running)
