"""Interference between tasks: how much of a task's update later training takes back (Figure 2 of arXiv
2410.04891).

For the update v_i = W_i - W_{i-1} of task i and the later drift d_j = W_j - W_{i-1}, j > i, over the adapted
weights, two counts of what opposes:

- the study's: every entry with sign(v_i) != sign(d_j), so also what the task left alone (v_i = 0) and later
  training moved. Methods that choose entry by entry (`magmax`) leave most entries alone;
- of moved weights: only entries that v_i moved one way and d_j the other.

Each as a norm relative to v_i's, and as a share of the entries counted."""

from collections.abc import Mapping, Sequence
from math import fsum, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cbench.errors import BadInput
from cbench.record.record import Record
from cbench.track import Track

if TYPE_CHECKING:
    from torch import Tensor

    from cbench.update import Update


class Opposed(NamedTuple):
    """Sums over weights; those of several layers add up."""

    opposed: float
    """Of d_j's squared entries that oppose an entry of v_i."""
    update: float
    """Of v_i's squared entries."""
    turned: int
    """How many entries of d_j oppose an entry of v_i."""
    moved: int
    """How many entries v_i moved."""
    elsewhere: float = 0.0
    """Of d_j's squared entries that v_i did not move."""
    unequal: int = 0
    """How many entries have sign(v_i) != sign(d_j), where the sign of 0 is 0."""
    weights: int = 0
    """How many entries there are."""

    @property
    def study_ratio(self) -> float | None:
        """|d_j where sign(v_i) != sign(d_j)| / |v_i|, at least 0; None if the task moved nothing."""
        return sqrt((self.opposed + self.elsewhere) / self.update) if self.update else None

    @property
    def study_share(self) -> float | None:
        """The share of all weights with sign(v_i) != sign(d_j), in [0, 1]; None if the task moved nothing."""
        return self.unequal / self.weights if self.moved else None

    @property
    def ratio(self) -> float | None:
        """|d_j where it opposes a moved weight| / |v_i|, at least 0; None if the task moved nothing."""
        return sqrt(self.opposed / self.update) if self.update else None

    @property
    def share(self) -> float | None:
        """The share of the moved weights that ended on the other side of their value before the task, in [0,
        1]."""
        return self.turned / self.moved if self.moved else None


Pairs = Mapping[tuple[int, int], Mapping[str, Opposed]]
"""(i, j), tasks counted from 1, i < j -> layer -> sums."""


def whole(layers: Mapping[str, Opposed]) -> Opposed:
    """The sums over all layers."""
    opposed, update, turned, moved, elsewhere, unequal, weights = zip(*layers.values(), strict=True)
    return Opposed(
        fsum(opposed), fsum(update), sum(turned), sum(moved), fsum(elsewhere), sum(unequal), sum(weights)
    )


def compare(update: "Tensor", drift: "Tensor") -> Opposed:
    """One layer's v_i and d_j."""
    one, two = update.sign(), drift.sign()
    against, squares = one * two < 0, drift.double().square()
    return Opposed(
        opposed=float(squares[against].sum()),
        update=float(update.double().square().sum()),
        turned=int(against.sum()),
        moved=int(one.count_nonzero()),
        elsewhere=float(squares[one == 0].sum()),
        unequal=int((one != two).sum()),
        weights=update.numel(),
    )


def interference(models: Sequence["Update"]) -> Pairs:
    """All pairs i < j of a run whose model after task i is W0 + `models[i - 1]`."""
    pairs: dict[tuple[int, int], dict[str, Opposed]] = {}
    for name in sorted({name for model in models for name in model}):
        some = next(model[name] for model in models if name in model)
        weights = [some * 0, *(model.get(name, some * 0) for model in models)]
        for i in range(1, len(weights)):
            update = weights[i] - weights[i - 1]
            for j in range(i + 1, len(weights)):
                pairs.setdefault((i, j), {})[name] = compare(update, weights[j] - weights[i - 1])
    return pairs


def of_run(record: Record, track: Track, out: Path) -> Pairs:
    """The interference of a stored run, its adapters replayed through the method. BadInput if an adapter
    is gone, or of an oracle."""
    from cbench.plugins.hooks import Hooks
    from cbench.plugins.methods import method_from_record
    from cbench.posthoc.replay import memories, tasks_of
    from cbench.results import Results

    method, tasks = method_from_record(record), tasks_of(record, track)
    if method.regime == "oracle":
        raise BadInput(f"{record.file_name}: an oracle has a model for each task, none that drifts")
    hooks, replayed = Hooks(method), memories(method, record, tasks, Results(out).store)
    return interference([hooks.model(memory, task) for memory, task in zip(replayed, tasks, strict=False)])
