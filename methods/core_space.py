"""Core space merging: TIES in the small space that all adapters' factors span.

Per layer U: left singular vectors of [B_1 .. B_t], V: right ones of A_1 .. A_t below one another; M_i = (U^T
B_i)(A_i V), at most t r x t r, loses nothing; W_t = W_0 + scale U TIES(M_1, .., M_t) V^T, trimmed per layer
as in the authors' code, each adapter trained on W_0. TIES: see `ties`. Panariello et al. 2025 (arXiv
2509.17786).

`density` (0.2), `scale` (0.55): as `ties`; the paper chooses the scale on validation data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.library import by_layer, shelved
from cbench.linear_algebra import basis
from cbench.method import Memory, Method
from cbench.methods.ties import least_kept, ties
from cbench.options import Scale, Share
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, scaled

if TYPE_CHECKING:
    from torch import Tensor


def in_core(tasks: Sequence[Factors], density: float) -> "Tensor":
    """One layer's merger: TIES over the core matrices, mapped back. In float64, rounded at the end."""
    U, V = basis([f.B for f in tasks]), basis([f.A.T for f in tasks])
    cores = [{"core": ((U.T @ f.B.to(U)) @ (f.A.to(V) @ V)).float()} for f in tasks]
    merged = ties(cores, [least_kept(core, density) for core in cores])["core"]
    return (U @ merged.to(U) @ V.T).to(tasks[0].B)


@dataclass(frozen=True)
class CoreSpace(Method):
    """TIES in the adapters' shared subspaces."""

    density: Share = 0.2
    scale: Scale = tunable(0.55, low=0.1, high=2.0)

    name = "core_space"
    title = "Core space (TIES)"
    family = "merging"
    source = "Panariello et al. 2025, arXiv 2509.17786"
    regime = "library"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """All adapters."""
        return Memory(extra=shelved(memory.extra, task.name, trained))

    def model(self, memory: Memory, task: Task) -> Update:
        """The layers' mergers, scaled."""
        merged = {n: in_core(tasks, self.density) for n, tasks in by_layer(memory.extra).items()}
        return scaled(merged, self.scale)
