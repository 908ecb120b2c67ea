"""InfLoRA: a fixed A reads what the inputs of earlier tasks leave free; B is trained.

C: mean of x x^T over a layer's inputs x on the task's images. Before task t, under W_0 + tau_{t-1}: A_t =
rows of U_r^T / sqrt(3), U the left singular vectors of (I - M M^T) C; B_t = 0. W_t = W_{t-1} + B_t A_t.
After it, under W_t, M grows (DualGPM): leading left singular vectors of (I - M M^T) C join, each with its
share S^2 / |C|^2, while the explained share is below e_t = e + (1 - e) (t - 1) / T. Once M has more than d
/ 2 columns its complement K is kept instead: A_t from K K^T C, and after a task directions leave K while
its share |K K^T C|^2 / |C|^2 is at least 1 - e_t. So A_t M = 0: inputs in the span of M keep their outputs
exactly. Liang & Li 2024 (arXiv 2404.00228), K and V with r = 10 there; here the track's layers and rank.
Ours: rows of A_t below the numerical rank of (I - M M^T) C are 0 (the code takes arbitrary vectors, also
inside M); the first M is never kept as if it were K (the code does so from d / 2 columns on)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cbench.method import Kind, Memory
from cbench.methods.merge_init import MergeInit
from cbench.options import Draws, Share
from cbench.subspace import RANK, by_layer, joining, once, spectrum
from cbench.task import Task
from cbench.update import Adapter, Factors

if TYPE_CHECKING:
    from torch import Tensor

REMOVED, RETAINED, INPUTS = "removed ", "retained ", "inputs "
"""Prefixes of what the memory keeps of layers: M, K, and C from before the training until after it."""


def outside(kept: "Mapping[str, Tensor]", layers: str, inputs: "Tensor") -> "Tensor":
    """(I - M M^T) C or K K^T C, whichever of M and K is kept of the layers."""
    if RETAINED + layers in kept:
        free = kept[RETAINED + layers].double()
        return free @ (free.T @ inputs)
    if REMOVED + layers in kept:
        used = kept[REMOVED + layers].double()
        return inputs - used @ (used.T @ inputs)
    return inputs


def rows_to_read(left: "Tensor", inputs: "Tensor", rank: int) -> "Tensor":
    """Rank x d_in rows of U^T / sqrt(3), U of what is left of the inputs C; 0 below the numerical rank."""
    import torch

    squares, directions = spectrum(left @ left.T)
    largest = torch.linalg.eigvalsh(inputs)[-1]
    count = min(rank, int((squares.sqrt() > RANK * largest).sum()))
    rows = torch.zeros(rank, len(inputs), dtype=inputs.dtype)
    rows[:count] = directions[:, :count].T / 3**0.5
    return rows


def grown(kept: "Mapping[str, Tensor]", layers: str, inputs: "Tensor", energy: float) -> "dict[str, Tensor]":
    """M or K of the layers after a task with inputs C and the threshold e_t."""
    import torch

    left, size = outside(kept, layers, inputs), len(inputs)
    squares, directions = spectrum(left @ left.T)
    shares = squares / inputs.square().sum()
    if RETAINED + layers in kept:
        free = kept[RETAINED + layers].double()
        leaving = int((shares.sum() - shares.cumsum(0) + shares >= 1 - energy).sum())
        gone = directions[:, :leaving]
        left_over, _, _ = torch.linalg.svd(free - gone @ (gone.T @ free), full_matrices=False)
        return {RETAINED + layers: left_over[:, : max(0, free.shape[1] - leaving)].float().contiguous()}
    first = REMOVED + layers not in kept
    count = joining(shares, float(1 - shares.sum()), energy, first)
    used = directions[:, : max(1, count) if first else count]
    used = used if first else torch.cat([kept[REMOVED + layers].double(), used], dim=1)
    if used.shape[1] <= size / 2:
        return {REMOVED + layers: used.float().contiguous()}
    complete, _ = torch.linalg.qr(used, mode="complete")
    return {RETAINED + layers: complete[:, used.shape[1] :].float().contiguous()}


@dataclass(frozen=True)
class InfLora(MergeInit):
    """Fresh B over an A that earlier inputs cannot pass, summed."""

    energy: Share = 0.95
    """e: 0.95 as published (0.98 on ImageNet-R)."""
    draws: Draws = 64  # type: ignore[misc]  # an option here
    """Draws of C (ours)."""

    name = "inflora"
    title = "InfLoRA"
    family = "orthogonality"
    source = "Liang & Li 2024, arXiv 2404.00228"
    regime = "statistics"
    learns = "B"
    gathers: ClassVar[frozenset[Kind]] = frozenset({"inputs_before", "inputs_after"})

    def start(self, memory: Memory, fresh: Adapter) -> Adapter:
        """A from the task's inputs outside those of earlier tasks, B = 0."""
        rank = len(next(iter(fresh.values())).A)
        rows: dict[str, Tensor] = {}
        for key, moments in memory.extra.items():
            if key.startswith(INPUTS):
                layers, inputs = key.removeprefix(INPUTS), moments.double()
                rows[layers] = rows_to_read(outside(memory.extra, layers, inputs), inputs, rank).float()
        designed = by_layer(rows)
        return {n: Factors(designed[n], f.B) for n, f in fresh.items()}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The model with the adapter merged in, and M or K."""
        kept = {key: basis for key, basis in memory.extra.items() if not key.startswith(INPUTS)}
        return super().keep(memory, trained, task)._replace(extra=kept)

    def gather(self, memory: Memory, kind: Kind, measured: "Mapping[str, Tensor]") -> Memory:
        """C before the training; M or K grown after it."""
        if kind == "inputs_before":
            inputs = {INPUTS + layers: moments for layers, moments in once(measured).items()}
            return memory._replace(extra={**memory.extra, **inputs})
        energy = self.energy + (1 - self.energy) * len(memory.learned) / memory.tasks
        kept: dict[str, Tensor] = {}
        for layers, moments in once(measured).items():
            kept |= grown(memory.extra, layers, moments.double(), energy)
        return memory._replace(extra=kept)
