"""OPCM: a new task vector is projected off the main directions of the merged ones, and the norm is kept.

Per layer tau_{t-1} = U S V^T over its numerical rank and P = U^T B_t A_t V. C_t = B_t A_t - U Q V^T, where Q
is the diagonal of P and its leading k x k block, k the index (from 0) of the first cumulative share of S
above `alpha`. tau_t = (l_{t-1} tau_{t-1} + C_t) / l_t, with one l_t for the model, such that the norm of
tau_t is the mean norm of the tasks' B_i A_i; tau_1 = B_1 A_1, l_1 = 1; W_t = W_0 + tau_t, each adapter
trained on W_0. Tang et al. 2025 (arXiv 2501.09522) and FusionBench, whose full bases also zero the diagonal
in an arbitrary basis of the null space.

`alpha` (0.5): the paper's."""

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from cbench.linear_algebra import svd_of_rank
from cbench.method import Memory, Method
from cbench.options import Share
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, add, product, scaled

if TYPE_CHECKING:
    from torch import Tensor

FACTOR, NORM = "l", "mean norm"
"""Names of the two numbers in the memory."""


def norm(update: Update) -> float:
    """The norm over all layers."""
    import torch

    norms = (torch.linalg.vector_norm(change, dtype=torch.float64) for change in update.values())
    return hypot(*map(float, norms))


def projected(factors: Factors, merged: "Tensor", rank: int, alpha: float) -> "Tensor":
    """C_t of one layer; `merged` is tau_{t-1}, of at most this rank."""
    U, S, Vh = svd_of_rank(merged, rank)
    A, B = factors.A.to(U), factors.B.to(U)
    P = (U.T @ B) @ (A @ Vh.T)
    k = int((S.cumsum(0) <= alpha * S.sum()).sum())
    Q = P.diagonal().diag()
    Q[:k, :k] = P[:k, :k]
    return (B @ A - U @ Q @ Vh).to(factors.B)


def remembered(update: Update, factor: float, mean: float) -> Memory:
    """A memory of the merged update, l, and the mean norm of the task vectors."""
    import torch

    numbers = {FACTOR: factor, NORM: mean}
    return Memory(update=update, extra={k: torch.tensor(v, dtype=torch.float64) for k, v in numbers.items()})


@dataclass(frozen=True)
class Opcm(Method):
    """A running merger whose norm does not grow."""

    alpha: Share = 0.5

    name = "opcm"
    title = "OPCM"
    family = "merging"
    source = "Tang et al. 2025, arXiv 2501.09522"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The merger at the mean norm of all task vectors."""
        tau, learned, new = memory.update, len(memory.learned), product(trained)
        if not learned:
            return remembered(new, 1.0, norm(new))
        mean = (learned * float(memory.extra[NORM]) + norm(new)) / (learned + 1)
        added = {n: projected(f, tau[n], learned * len(f.A), self.alpha) for n, f in trained.items()}
        summed = add(scaled(tau, float(memory.extra[FACTOR])), added)
        factor = norm(summed) / mean if mean else 1.0
        return remembered(scaled(summed, 1 / factor), factor, mean)
