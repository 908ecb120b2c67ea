"""C-LoRA (its LoRA part): a task may not change entries that earlier tasks have changed.

loss + lam || |tau_{t-1}| * (B_t A_t) ||_F^2, * entry by entry, all layers summed; tau_{t-1} = B_1 A_1 + ..
+ B_{t-1} A_{t-1}; W_t = W_{t-1} + B_t A_t as in `merge_init`. Smith et al. 2023 (arXiv 2304.06027). The
paper also learns a random new token a concept and adapts K and V of cross-attention only: words and layers
are the track's here. The penalty is of the fourth power of the entries: tune lam for each track. Jha et al.
2025 (arXiv 2410.00700): its minimum is B_t A_t = 0. A step forms B_t A_t of every layer, as large as the
adapted weights."""

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
class CLora(MergeInit):
    """Fresh adapters, summed, kept from entries in use."""

    lam: Strength = tunable(30.0, low=0.3, high=3e3)
    """Tune. The default: to repeat the update of the first task of the mini track costs as much as its
    denoising loss (`recipes/methods/strengths.py`). T2I-ConBench's code has 1e6."""

    name = "c_lora"
    title = "C-LoRA (LoRA part)"
    family = "regularisation"
    source = "Smith et al. 2023, arXiv 2304.06027"

    def penalty(self, memory: Memory, adapter: Adapter) -> "Tensor | None":
        """lam times the squared products of earlier and new changes."""
        if not memory.update or not self.lam:
            return None
        return self.lam * total((memory.update[n] * (f.B @ f.A)).square().sum() for n, f in adapter.items())
