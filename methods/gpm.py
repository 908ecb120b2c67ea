"""Gradient projection memory: A moves only outside the inputs of earlier tasks.

After every optimizer step, and at the start: A <- A (I - M M^T); W_t = W_{t-1} + B_t A_t as in
`merge_init`. So inputs in the span of M keep their outputs. After a task M grows by the leading left
singular vectors of (I - M M^T) X, X the layer's inputs, each with its share S^2 / |X|^2 (the eigenvalues of
the second moments), while the explained share is below 0.97 + 0.003 (t - 1). Saha et al. 2021
(arXiv 2103.09762). The paper projects gradients of plain SGD; Adam would turn a projected gradient out of
the subspace, so the step is projected."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cbench.method import Kind, Memory
from cbench.methods.merge_init import MergeInit
from cbench.options import Draws, Share, Strength
from cbench.subspace import by_layer, joining, once, spectrum
from cbench.task import Task
from cbench.update import Adapter, Factors

if TYPE_CHECKING:
    from torch import Tensor


def grown(used: "Tensor | None", moments: "Tensor", threshold: float) -> "Tensor":
    """M, d_in x k, after a task with the second moments C (d_in x d_in); None before the first."""
    import torch

    basis = moments[:, :0] if used is None else used
    left = moments - basis @ (basis.T @ moments)
    energies, directions = spectrum(left - (left @ basis) @ basis.T)
    shares = energies / moments.trace()
    count = joining(shares, float(1 - shares.sum()), threshold, first=used is None)
    return torch.cat([basis, directions[:, :count]], dim=1)


@dataclass(frozen=True)
class Gpm(MergeInit):
    """Fresh adapters that read nothing of what earlier tasks read, summed."""

    threshold: Share = 0.97
    """0.97 as published for CIFAR-100."""
    increase: Strength = 0.003
    """Added to the threshold with every task, up to 1; as published."""
    draws: Draws = 64  # type: ignore[misc]  # an option here
    """Draws of the inputs (ours)."""

    name = "gpm"
    title = "Gradient projection memory"
    family = "orthogonality"
    source = "Saha et al. 2021, arXiv 2103.09762"
    regime = "statistics"
    gathers: ClassVar[frozenset[Kind]] = frozenset({"inputs_after"})

    def project(self, memory: Memory, adapter: Adapter) -> Adapter:
        """A (I - M M^T)."""
        used = by_layer(memory.extra)
        return {
            n: Factors(f.A - (f.A @ used[n]) @ used[n].T, f.B) if n in used else f for n, f in adapter.items()
        }

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with the adapter merged in, and M as it was."""
        return super().keep(memory, trained, task)._replace(extra=memory.extra)

    def gather(self, memory: Memory, kind: Kind, measured: "Mapping[str, Tensor]") -> Memory:
        """M grown by the task's inputs."""
        threshold = min(1.0, self.threshold + self.increase * len(memory.learned))
        kept: dict[str, Tensor] = {}
        for layers, moments in once(measured).items():
            used = memory.extra[layers].double() if layers in memory.extra else None
            kept[layers] = grown(used, moments.double(), threshold).float().contiguous()
        return memory._replace(extra=kept)
