"""RegMean: the update whose outputs are nearest to each task's own on that task's inputs, in closed form.

Per layer tau_t = (B_1 A_1 C_1 + .. + B_t A_t C_t) (C_1 + .. + C_t)^+, W_t = W_0 + tau_t, each adapter trained
on W_0. C_i: mean of x x^T over the layer's inputs x on the images of task i, its off-diagonal entries times
`shrink`. Jin et al. 2023 (arXiv 2212.09849). The earlier sum of products follows from tau_{t-1} and the sum
of the C_i, so that only these are kept. Here the inputs are those of the base model, not of each task's own.

`shrink` (0.9): the paper's. `draws` (64): noised images in C, cbench's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cbench.linear_algebra import NOISE
from cbench.method import Kind, Memory, Method
from cbench.options import Decay, Draws
from cbench.subspace import once
from cbench.task import Task
from cbench.update import Adapter, Update

if TYPE_CHECKING:
    from torch import Tensor

SUM, NEW = "sum ", "new "
"""Prefixes of what the memory keeps of layers: the sum of the C_i, and C_t until the task is learned."""


def shrunk(moments: "Tensor", shrink: float) -> "Tensor":
    """The matrix with its off-diagonal entries times a factor, in float64."""
    full = moments.double()
    return shrink * full + (1 - shrink) * full.diagonal().diag()


@dataclass(frozen=True)
class RegMean(Method):
    """A mean of task vectors, weighted by the tasks' inputs."""

    shrink: Decay = 0.9
    draws: Draws = 64  # type: ignore[misc]  # an option here

    name = "regmean"
    title = "RegMean"
    family = "merging"
    source = "Jin et al. 2023, arXiv 2212.09849"
    regime = "statistics"
    gathers: ClassVar[frozenset[Kind]] = frozenset({"inputs_before"})

    def gather(self, memory: Memory, kind: Kind, measured: Mapping[str, "Tensor"]) -> Memory:
        """C_t beside the sum of the earlier ones."""
        new = {NEW + layers: moments for layers, moments in once(measured).items()}
        return memory._replace(extra={**memory.extra, **new})

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The weighted mean, and the sum of the C_i."""
        import torch

        update: dict[str, Tensor] = {}
        sums: dict[str, Tensor] = {}
        for key, moments in memory.extra.items():
            if not key.startswith(NEW):
                continue
            layers = key.removeprefix(NEW)
            new = shrunk(moments, self.shrink)
            earlier = memory.extra.get(SUM + layers, torch.zeros_like(moments)).double()
            inverse = torch.linalg.pinv(earlier + new, rtol=NOISE, hermitian=True)
            for layer in layers.split(" "):
                A, B = trained[layer]
                products = B.double() @ (A.double() @ new)
                if layer in memory.update:
                    products += memory.update[layer].double() @ earlier
                update[layer] = (products @ inverse).to(B)
            sums[SUM + layers] = (earlier + new).to(moments)
        return Memory(update=update, extra=sums)
