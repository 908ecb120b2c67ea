"""L2 regularisation: the update is pulled to the last task's.

loss + lam ||B A - B' A'||_F^2, (B', A') the last adapter; A and B are trained on as in `naive`. L2-SP, Li
et al. 2018 (arXiv 1802.01483), on the update instead of the weights. Computed without a dense matrix: B A -
B' A' = [B - B', B'] [A; A - A'], and ||X Y||_F^2 = <X^T X, Y Y^T>: exactly 0 at the start."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.method import Memory
from cbench.methods.naive import Naive
from cbench.options import Strength
from cbench.search_space import tunable
from cbench.update import Adapter, Factors, total

if TYPE_CHECKING:
    from torch import Tensor


def squared_distance(one: Factors, two: Factors) -> "Tensor":
    """||B A - B' A'||_F^2 of two factor pairs."""
    import torch

    columns = torch.cat([one.B - two.B, two.B], dim=1)
    rows = torch.cat([one.A, one.A - two.A])
    return ((columns.T @ columns) * (rows @ rows.T)).sum()


@dataclass(frozen=True)
class L2(Naive):
    """One LoRA for all tasks, its product held to the last one's."""

    lam: Strength = tunable(0.01, low=1e-4, high=1.0)
    """Tune. The default: to move as far as the first task of the mini track did costs as much as its
    denoising loss (`recipes/methods/strengths.py`)."""

    name = "l2"
    title = "L2 regularisation"
    family = "regularisation"
    source = "Li et al. 2018, arXiv 1802.01483"

    def penalty(self, memory: Memory, adapter: Adapter) -> "Tensor | None":
        """lam times the squared distance from the last update."""
        last = memory.adapter
        if last is None or not self.lam:
            return None
        return self.lam * total(squared_distance(f, last[n]) for n, f in adapter.items())
