"""SLAO: the next task starts from an orthonormal A, and only B is averaged over time.

Task t starts from A = Q^T, where A_{t-1}^T = Q R (columns of Q times the sign of R's diagonal), and from B =
B_{t-1}, both as task t-1 left them, on W_0. Bm_t = Bm_{t-1} + (B_t - Bm_{t-1}) / sqrt(t), Bm_1 = B_1; W_t =
W_0 + Bm_t A_t. Qiao & Mahdavi 2026 (arXiv 2512.23017). Q drops the scale R, so a training does not start
from the last model. Bm_{t-1} is not kept: it follows from the update and A_{t-1}."""

from typing import TYPE_CHECKING

from cbench.method import Memory, Method
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, product

if TYPE_CHECKING:
    from torch import Tensor


def orthonormal(A: "Tensor") -> "Tensor":
    """Orthonormal rows that span A's rows, by QR in float64."""
    import torch

    Q, R = torch.linalg.qr(A.double().cpu().T)
    return (Q * torch.where(R.diagonal() < 0, -1.0, 1.0)).T.to(A).contiguous()


def left_factor(change: "Tensor", A: "Tensor") -> "Tensor":
    """B of change = B A, by least squares in float64."""
    import torch

    return (change.double().cpu() @ torch.linalg.pinv(A.double().cpu())).to(change)


class Slao(Method):
    """A single LoRA, its B merged with time-aware weights."""

    name = "slao"
    title = "SLAO"
    family = "merging"
    source = "Qiao & Mahdavi 2026, arXiv 2512.23017"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: the adapter has all tasks in it."""
        return {}

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """A orthonormal, B as the task before left it."""
        last = memory.adapter
        return {n: Factors(orthonormal(f.A), f.B) for n, f in last.items()} if last else fresh

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The merged factor's product with the new A, and the adapter as it was trained."""
        last, count = memory.adapter, len(memory.learned) + 1
        if not last:
            return Memory(update=product(trained), adapter=trained)

        def merged(layer: str) -> Factors:
            earlier = left_factor(memory.update[layer], last[layer].A)
            A, B = trained[layer]
            return Factors(A, earlier + (B - earlier) / count**0.5)

        return Memory(update=product({n: merged(n) for n in trained}), adapter=trained)
