"""Orthogonal Adaptation: each task reads its own rows of one random orthogonal matrix; adapters are added.

tau_t = B_t A_t, A_t = s Q[t], Q[t] the t-th block of r rows of an orthogonal d_in x d_in matrix a layer,
fixed by the run's seed; only B_t is trained, from 0 and over W_0; W_t = W_0 + tau_1 + .. + tau_t. So an
input in the rows of A_i sees task i alone. Po et al. 2024 (arXiv 2312.02432), who draw the rows of each
concept at random.
Ours: disjoint blocks, which begin again after d_in // r tasks, and s so that A_t is as long as the fresh
one. Q: Gram-Schmidt (QR with a positive diagonal, float64) of Gaussian blocks, drawn as far as they are
needed."""

from typing import TYPE_CHECKING

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.merge_init import MergeInit
from cbench.update import Adapter, Factors, Update, generator

if TYPE_CHECKING:
    from torch import Tensor


def block_of_rows(rank: int, d_in: int, task: int, seed: int, layer: str) -> "Tensor":
    """The rows of a task (from 0): rank x d_in, orthonormal. BadInput for a rank above d_in."""
    import torch

    if rank > d_in:
        raise BadInput(f"ortho_adapt needs a rank of at most {d_in}, the inputs of {layer}, not {rank}")
    blocks = task % (d_in // rank) + 1
    draws = [generator(seed, "ortho_adapt", layer, block) for block in range(blocks)]
    gaussian = torch.cat([torch.randn(rank, d_in, generator=g, dtype=torch.float64) for g in draws])
    columns, triangle = torch.linalg.qr(gaussian.T)
    return (columns * triangle.diagonal().sign()).T[-rank:]


class OrthoAdapt(MergeInit):
    """Adapters over the base model, in orthogonal row spaces, summed."""

    name = "ortho_adapt"
    title = "Orthogonal Adaptation"
    family = "orthogonality"
    source = "Po et al. 2024, arXiv 2312.02432"
    learns = "B"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every task trains over the base model."""
        return {}

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """The task's own rows at the fresh length, B = 0."""
        task = len(memory.learned)

        def rows(layer: str, A: "Tensor") -> "Tensor":
            rank, d_in = A.shape
            unit = block_of_rows(rank, d_in, task, memory.seed, layer)
            return (unit * (A.norm() / rank**0.5)).to(A.dtype)

        return {n: Factors(rows(n, f.A), f.B) for n, f in fresh.items()}
