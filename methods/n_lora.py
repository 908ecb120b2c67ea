"""N-LoRA: sparse updates collide less.

loss + lam ||B_t A_t||_1, all layers summed, in every task; W_t = W_{t-1} + B_t A_t as in `merge_init`. Yang
et al. 2024 (arXiv 2410.10179). The authors' code takes the r x r matrix A B of square layers, and its lam
(0.4, 0.55, 1.2) is for that: here it is the update B A, as in the paper."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbench.method import Memory
from cbench.methods.merge_init import MergeInit
from cbench.options import Strength
from cbench.search_space import tunable
from cbench.update import Adapter, total

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class NLora(MergeInit):
    """Fresh sparse adapters, summed."""

    lam: Strength = tunable(7e-5, low=7e-7, high=7e-3)
    """Tune. The default: an update as large as that of the first task of the mini track costs as much as its
    denoising loss (`recipes/methods/strengths.py`)."""

    name = "n_lora"
    title = "N-LoRA"
    family = "regularisation"
    source = "Yang et al. 2024, arXiv 2410.10179"

    def penalty(self, memory: Memory, adapter: Adapter) -> "Tensor | None":
        """lam times the sum of the magnitudes of the update."""
        return self.lam * total((f.B @ f.A).abs().sum() for f in adapter.values()) if self.lam else None
