"""Elastic weight consolidation: entries that mattered to earlier tasks are held where they are.

loss + lam / 2 sum_k F_k (theta_k - theta*_k)^2 over the entries theta of A and B; theta* the last adapter,
from which training goes on as in `naive` (B S and S^-1 A are the same update, so only the start can be the
anchor). After a task F <- gamma F + F_t, F_t the mean over the draws of the squared gradient of the
denoising loss of ONE draw of (image, time, noise). Kirkpatrick et al. 2017 (arXiv 1612.00796); online form:
Schwarz et al. 2018 (arXiv 1805.06370). F is small (about 1e-8 on SDXL): tune lam on a stream that is not
reported."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from cbench.method import Kind, Memory
from cbench.methods.naive import Naive
from cbench.options import Decay, Draws, Strength
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, flat, total

if TYPE_CHECKING:
    from torch import Tensor


def divided_by_mean(tensors: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The tensors divided by the mean of all their entries."""
    mean = total(t.sum() for t in tensors.values()) / sum(t.numel() for t in tensors.values())
    return {name: t / mean for name, t in tensors.items()} if mean > 0 else dict(tensors)


@dataclass(frozen=True)
class Ewc(Naive):
    """One LoRA for all tasks, held by its Fisher information."""

    lam: Strength = tunable(1e4, low=1e2, high=1e6)
    """Tune. The default: to move as far as the first task of the mini track did costs as much as its
    denoising loss (`recipes/methods/strengths.py`; 0.02 with `over_mean`)."""
    gamma: Decay = 1.0
    """How much of the earlier tasks' F remains; 1 is the sum, as published."""
    over_mean: bool = False
    """Divide each task's F by its mean, so that lam no longer depends on the size of the gradients (ours)."""
    draws: Draws = 64  # type: ignore[misc]  # an option here
    """Draws of F (ours)."""

    name = "ewc"
    title = "Elastic weight consolidation"
    family = "regularisation"
    source = "Kirkpatrick et al. 2017, arXiv 1612.00796"
    regime = "statistics"
    gathers: ClassVar[frozenset[Kind]] = frozenset({"fisher"})

    def penalty(self, memory: Memory, adapter: Adapter) -> "Tensor | None":
        """The quadratic around the last adapter, weighted by F."""
        if memory.adapter is None or not self.lam:
            return None
        now, last = flat(adapter), flat(memory.adapter)
        return self.lam / 2 * total((F * (now[k] - last[k]).square()).sum() for k, F in memory.extra.items())

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The adapter, and F as it was before the task's measurement."""
        return Memory(adapter=trained, extra=memory.extra)

    def gather(self, memory: Memory, kind: Kind, measured: "Mapping[str, Tensor]") -> Memory:
        """F with the task's own added."""
        new = divided_by_mean(measured) if self.over_mean else measured
        return memory._replace(extra={k: F + self.gamma * memory.extra.get(k, 0) for k, F in new.items()})
