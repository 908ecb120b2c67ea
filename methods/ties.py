"""TIES merging, task after task: trim, elect signs, average what agrees.

tau_t = TIES(tau_{t-1}, B_t A_t), tau_1 = trim(B_1 A_1), W_t = W_0 + scale tau_t, each adapter trained on W_0.
TIES keeps of each update the int(density n) largest magnitudes of all n entries of the model (and equals of
the least), elects for each entry the sign of the sum, and averages the entries of that sign; if the sum is 0,
the majority of the elected signs decides. Yadav et al. 2023 (arXiv 2306.01708) merge all tasks at once:
`ties_all`. The running pair is cbench's, so that only the model is kept; both agree on two tasks.

`density` (0.2): the paper's. `scale` (0.55): MagMax's code, for averages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from cbench.library import Products
from cbench.method import Memory, Method
from cbench.options import Scale, Share
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, scaled

if TYPE_CHECKING:
    from torch import Tensor

COARSE = 16
"""Lower bits of a magnitude that a first count leaves out."""


def least_kept(update: Update, density: float) -> float:
    """The int(density n)-th largest magnitude of an update's n entries; infinity if that is none.

    Magnitudes in fp32 are ordered as their bits: a count by the upper bits finds where it is, so that only a
    few entries are sorted."""
    import torch

    count, n = torch.zeros(1 << 15, dtype=torch.int64), 0
    for change in update.values():
        upper = change.float().abs().view(torch.int32) >> COARSE
        count, n = count + torch.bincount(upper.flatten(), minlength=len(count)), n + change.numel()
    kept = int(density * n)
    if not kept:
        return float("inf")
    above = count.flip(0).cumsum(0)  # how many entries are in this bin or above, from the last bin on
    place = int((above < kept).sum())
    inside = [_in_bin(change.float().abs(), len(count) - 1 - place) for change in update.values()]
    return float(torch.cat(inside).topk(kept - int(above[place] - count.flip(0)[place])).values[-1])


def _in_bin(sizes: "Tensor", wanted: int) -> "Tensor":
    import torch

    return sizes[sizes.view(torch.int32) >> COARSE == wanted]


def added(changes: Sequence["Tensor"]) -> "Tensor":
    """Their sum. One after the other: a stack of ten tasks' layers is slower to allocate than to add."""
    return reduce(add, changes)


def trimmed(changes: Iterable["Tensor"], least: Sequence[float]) -> list["Tensor"]:
    """One layer's changes with zeros for magnitudes below each change's `least`."""
    import torch
    from torch.nn.functional import hardshrink

    # hardshrink keeps what is above its bound: the number before `least`
    bounds = [float(torch.nextafter(torch.tensor(bound), torch.tensor(0.0))) for bound in least]
    return [hardshrink(change, bound) for change, bound in zip(changes, bounds, strict=True)]


def agreeing(changes: Sequence["Tensor"], sign: "Tensor") -> "Tensor":
    """The mean of the entries of the elected sign, zero if there are none."""
    sizes = [(change * sign).clamp(min=0) for change in changes]
    return sign * added(sizes) / added([size.sign() for size in sizes]).clamp(min=1)


def ties(updates: Sequence[Update], least: Sequence[float]) -> Update:
    """The TIES merger of updates of the same layers, each trimmed to magnitudes of at least its `least`."""
    merged: dict[str, Tensor] = {}
    undecided, majority = list[str](), 0
    for layer in updates[0] if updates else ():
        changes = trimmed((update[layer] for update in updates), least)
        sign = added(changes).sign()
        merged[layer] = agreeing(changes, sign)
        majority += int(sign.sum())
        if any(bool(((sign == 0) & (change != 0)).any()) for change in changes):
            undecided.append(layer)
    side = (majority > 0) - (majority < 0)
    for layer in undecided:  # entries that cancel: rare, and only now is the majority known
        changes = trimmed((update[layer] for update in updates), least)
        sign = added(changes).sign()
        merged[layer] = agreeing(changes, sign.where(sign != 0, side))
    return merged


@dataclass(frozen=True)
class Ties(Method):
    """The running merger. The memory has it unscaled."""

    density: Share = 0.2
    scale: Scale = tunable(0.55, low=0.1, high=2.0)

    name = "ties"
    title = "TIES (running)"
    family = "merging"
    source = "Yadav et al. 2023, arXiv 2306.01708"

    def frozen(self, memory: Memory) -> Update:
        """Nothing: every adapter is trained on the base model."""
        return {}

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The merger of the model so far and the new task vector."""
        updates = [update for update in (memory.update, Products(trained)) if update]
        return Memory(update=ties(updates, [least_kept(update, self.density) for update in updates]))

    def model(self, memory: Memory, task: Task) -> Update:
        """The merger, scaled."""
        return scaled(memory.update, self.scale)
