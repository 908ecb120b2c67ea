"""Null-space filtering: a new task vector is added without its part in the row space of the earlier ones.

tau_t = tau_{t-1} + B_t A_t (I - V V^T) per layer, W_t = W_0 + tau_t, each adapter trained on W_0. V: the
first right singular vectors of tau_{t-1}, int(protected d_in) of them, but not more than its numerical rank;
so tau_t v = tau_{t-1} v for every v in V. The filter of NUFILT, Qiu et al. 2026 (arXiv 2509.21413), without
its second part, an adaptation that is fitted by gradient steps.

`protected` (1/6): the paper's 128 of 768 dimensions. Earlier tasks are untouched while t r stays below."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.linear_algebra import svd_of_rank
from cbench.method import Memory, Method
from cbench.options import Share
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, add, product

if TYPE_CHECKING:
    from torch import Tensor


def filtered(factors: Factors, earlier: "Tensor", rank: int, protected: float) -> Factors:
    """A without its part in the first right singular vectors of the earlier update, of at most this rank."""
    V = svd_of_rank(earlier, rank).Vh[: int(protected * earlier.shape[1])]
    A = factors.A.to(V)
    return Factors((A - A @ V.T @ V).to(factors.A), factors.B)


@dataclass(frozen=True)
class NullFilter(Method):
    """A sum in which later tasks do not touch what earlier ones read."""

    protected: Share = 1 / 6

    name = "null_filter"
    title = "NUFILT (filter only)"
    family = "merging"
    source = "Qiu et al. 2026, arXiv 2509.21413"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The sum with the new task vector, filtered."""
        tau, learned = memory.update, len(memory.learned)
        new = {
            n: filtered(f, tau[n], learned * len(f.A), self.protected) if n in tau else f
            for n, f in trained.items()
        }
        return Memory(update=add(tau, product(new)))
