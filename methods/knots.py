"""KnOTS: TIES merging of the adapters in the singular vectors that all of them share.

Per layer [tau_1 .. tau_t] = U S [V_1 .. V_t], tau_i = B_i A_i, each adapter trained on W_0; W_t = W_0 + scale
U TIES(S V_1, .., S V_t), with one trimming over all layers. TIES: see `ties`. Stoica et al. 2025 (arXiv
2410.19735). S V_i = (U^T B_i) A_i is an adapter again, so nothing dense is kept.

`density` (0.2), `scale` (0.6): the authors' code, for ViT-B."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.library import Products, by_layer, library, shelved
from cbench.linear_algebra import svd
from cbench.method import Memory, Method
from cbench.methods.ties import least_kept, ties
from cbench.options import Scale, Share
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Factors, Update, scaled

if TYPE_CHECKING:
    from torch import Tensor


def shared_space(tasks: Sequence[Factors]) -> "Tensor":
    """U, d_out x k, of one layer's products beside one another, from their factors: with [B_1 .. B_t] = Q R
    it is Q times the left singular vectors of [R_1 A_1 .. R_t A_t], or of anything with the same Gram
    matrix: R_i L_i where A_i^T = Q_i L_i^T."""
    import torch

    Q, R = torch.linalg.qr(torch.cat([f.B for f in tasks], dim=1).double().cpu())
    parts = R.split([f.B.shape[1] for f in tasks], dim=1)
    triangles = [torch.linalg.qr(f.A.double().cpu().T).R.T for f in tasks]
    small = torch.cat([part @ L for part, L in zip(parts, triangles, strict=True)], dim=1)
    return (Q @ svd(small).U).to(tasks[0].B)


@dataclass(frozen=True)
class Knots(Method):
    """TIES in the shared output space."""

    density: Share = 0.2
    scale: Scale = tunable(0.6, low=0.1, high=2.0)

    name = "knots"
    title = "KnOTS-TIES"
    family = "merging"
    source = "Stoica et al. 2025, arXiv 2410.19735"
    regime = "library"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """All adapters."""
        return Memory(extra=shelved(memory.extra, task.name, trained))

    def model(self, memory: Memory, task: Task) -> Update:
        """The merger in the shared space, mapped back and scaled."""
        spaces = {n: shared_space(tasks) for n, tasks in by_layer(memory.extra).items()}
        aligned = [
            Products({n: Factors(f.A, spaces[n].T @ f.B) for n, f in adapter.items()})
            for adapter in library(memory.extra).values()
        ]
        merged = ties(aligned, [least_kept(update, self.density) for update in aligned])
        return scaled({n: spaces[n] @ change for n, change in merged.items()}, self.scale)
