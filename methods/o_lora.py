"""O-LoRA: the factors of a task are pushed to be orthogonal to those of all earlier tasks.

loss + l1 sum_{i<t} sum |A_i A_t^T| + l2 (||A_t||_F + ||B_t||_F), |.| and norms summed over entries and
layers; W_t = W_{t-1} + B_t A_t as in `merge_init`. Wang et al. 2023 (arXiv 2310.14152). `side=A`, the input
side, is the authors' code; `side=B` penalises the columns of B, sum |B_i^T B_t|, as T2I-ConBench does with
l1 = 0.1. The first sum has r^2 t entries in every layer: it is far larger than the loss at the start, and
the clipping of gradients acts on both. At B = 0 B has no gradient of the penalty."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cbench.method import Memory
from cbench.methods.merge_init import MergeInit
from cbench.options import Strength
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Factors, total

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OLora(MergeInit):
    """Fresh adapters, summed, with factors orthogonal to the earlier ones."""

    l1: Strength = tunable(7e-4, low=7e-6, high=7e-2)
    """Tune. The default: a fresh A beside that of the first task of the mini track costs as much as its
    denoising loss (`recipes/methods/strengths.py`). The authors' code has 0.5 to 5, for language models."""
    l2: Strength = 0.0
    """0 as there; up to 0.3 in its longer orders."""
    side: Literal["A", "B"] = "A"

    name = "o_lora"
    title = "O-LoRA"
    family = "orthogonality"
    source = "Wang et al. 2023, arXiv 2310.14152"
    regime = "library"

    def penalty(self, memory: Memory, adapter: Adapter) -> "Tensor | None":
        """The overlap with the kept factors, and the norms of the new ones."""
        overlaps = [
            self.l1 * (rows @ self._rows(adapter[layer]).T).abs().sum()
            for layer, rows in memory.extra.items()
            if self.l1
        ]
        norms = [self.l2 * (f.A.norm() + f.B.norm()) for f in adapter.values() if self.l2]
        return total(overlaps + norms) if overlaps or norms else None

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with the adapter merged in, and the stack of the tasks' factors, t r rows a layer."""
        import torch

        new = {n: self._rows(f) for n, f in trained.items()}
        earlier = memory.extra
        stacked = {n: torch.cat([earlier[n], rows]) if n in earlier else rows for n, rows in new.items()}
        return super().keep(memory, trained, task)._replace(extra=stacked)

    def _rows(self, factors: Factors) -> "Tensor":
        """A, or the transpose of B: rank x d."""
        return factors.A if self.side == "A" else factors.B.T
