"""Merge and initialise orthogonally to the row space: what `ortho_init` promises by its name.

A_t = G (I - V V^T), scaled to the norm of the fresh Gaussian G; V: right-singular vectors of tau_{t-1} by
falling singular value, up to its numerical rank (singular values above 1e-5 of the first) and at most d_in -
r of them; B_t = 0; W_t = W_{t-1} + B_t A_t. So A_t V = 0 at the start. No paper: the control that tests the
name."""

from typing import TYPE_CHECKING

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Factors, add, product

if TYPE_CHECKING:
    from torch import Tensor

RANK = 1e-5
"""Share of the largest singular value below which one is rounding noise of sums in fp32."""


def outside(rows: "Tensor", update: "Tensor") -> "Tensor":
    """r x d_in rows without their part in the row space of a d_out x d_in update, at their old norm."""
    import torch

    _, sizes, directions = torch.linalg.svd(update.double(), full_matrices=False)
    rank = int((sizes > RANK * sizes[0]).sum())
    earlier = directions[: min(rank, rows.shape[1] - len(rows))]
    left = rows.double() - rows.double() @ earlier.T @ earlier
    return (left * (rows.norm() / left.norm())).to(rows.dtype)


class OrthoRows(Method):
    """Fresh adapters that read what no earlier task reads."""

    name = "ortho_rows"
    title = "Merge & orthogonal rows"
    family = "orthogonality"

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """A outside the row space of the merged update, B = 0."""
        return {
            n: Factors(outside(f.A, memory.update[n]), f.B) if n in memory.update else f
            for n, f in fresh.items()
        }

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with the adapter merged in."""
        return Memory(update=add(memory.update, product(trained)))
