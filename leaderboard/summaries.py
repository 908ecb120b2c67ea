"""Summaries: a number from one score matrix, each a pure function with its formula and source.

Notation: S[j, i] is the score on task j after learning task i (`rows[i][j]`, j <= i), T the last task
learned, base_j the base model's score on task j. s is 1 for a metric of which higher is better and -1 for one
of which lower is better (a distance): a gain of a over b is s (a - b). Negating a metric and its direction
negates the level summaries and changes no other. A summary is None if no task was learned or its formula
would divide by zero."""

from collections.abc import Callable, Iterable, Sequence
from math import fsum
from typing import NamedTuple

from cbench.record.record import Scores
from cbench.scale import Better


def mean(values: Iterable[float]) -> float | None:
    """The arithmetic mean, None without values; the sum is exactly rounded, so the order of the values does
    not matter."""
    listed = list(values)
    return fsum(listed) / len(listed) if listed else None


def final(scores: Scores) -> tuple[float, ...]:
    """S[., T]: every learned task's score at the end."""
    return scores.rows[-1] if scores.rows else ()


def diagonal(scores: Scores) -> tuple[float, ...]:
    """S[j, j]: every task's score right after it was learned."""
    return tuple(row[-1] for row in scores.rows)


def history(scores: Scores, task: int) -> tuple[float, ...]:
    """S[task, i] for i >= task."""
    return tuple(row[task] for row in scores.rows[task:])


def average_score(scores: Scores) -> float | None:
    """mean_j S[j, T] (Staniszewski et al. 2024, arXiv 2410.04891). Better in the metric's direction."""
    return mean(final(scores))


def _gain(later: float, earlier: float, scores: Scores) -> float:
    """s (later - earlier): positive if `later` is better."""
    return later - earlier if scores.scale.better == "higher" else earlier - later


def _loss(before: Sequence[float], last: float, scores: Scores) -> float:
    """The gain of the best of the earlier scores over the last one."""
    best = max(before) if scores.scale.better == "higher" else min(before)
    return _gain(best, last, scores)


def forgotten(scores: Scores) -> tuple[float, ...]:
    """max_{i >= j} s (S[j, i] - S[j, T]): what every learned task has lost since its best."""
    return tuple(_loss(history(scores, j), last, scores) for j, last in enumerate(final(scores)))


def average_forgetting(scores: Scores) -> float | None:
    """mean over all T tasks of max_{i >= j} s (S[j, i] - S[j, T]) (arXiv 2410.04891). Lower is better.

    The maximum includes the end: never negative, and the last task adds 0.
    """
    return mean(forgotten(scores))


def forgetting_earlier(scores: Scores) -> float | None:
    """mean over j < T of max_{j <= i < T} s (S[j, i] - S[j, T]) (Chaudhry et al. 2018, arXiv 1801.10112);
    negative if a task improved later. Lower is better.

    Their maximum also covers models before task j, whose cells a record lacks."""
    return mean(_loss(history(scores, j)[:-1], last, scores) for j, last in enumerate(final(scores)[:-1]))


def backward_transfer(scores: Scores) -> float | None:
    """mean over j < T of s (S[j, T] - S[j, j]) (Lopez-Paz & Ranzato 2017, arXiv 1706.08840). Higher is
    better."""
    pairs = zip(final(scores)[:-1], diagonal(scores), strict=False)
    return mean(_gain(last, first, scores) for last, first in pairs)


def average_incremental_score(scores: Scores) -> float | None:
    """mean_i mean_{j <= i} S[j, i]: the average score along the whole stream (Rebuffi et al. 2017, arXiv
    1611.07725). Better in the metric's direction."""
    return mean(fsum(row) / len(row) for row in scores.rows)


def plasticity(scores: Scores) -> float | None:
    """mean_j S[j, j]: the score on each task right after learning it. Better in the metric's direction."""
    return mean(diagonal(scores))


def base_score(scores: Scores) -> float | None:
    """mean_j base_j over the learned tasks: where a method starts."""
    return mean(scores.base[: len(scores.rows)])


def _ratio(gained: float, possible: float) -> float | None:
    return gained / possible if possible > 0 else None


def gain_earlier(scores: Scores) -> float | None:
    """mean over j < T of s (S[j, T] - base_j): the remaining gain on the earlier tasks over the base model.
    Higher is better, 0 is the base model.

    The last task is excluded: nothing was learned after it. None for a single task."""
    if len(scores.base) < len(scores.rows):
        return None
    pairs = zip(final(scores)[:-1], scores.base, strict=False)
    return mean(_gain(last, floor, scores) for last, floor in pairs)


def gain_parts(scores: Scores) -> tuple[float, float] | None:
    """The gain that remains, sum_j s (S[j, T] - base_j), and at first, sum_j s (S[j, j] - base_j)."""
    if not scores.rows or len(scores.base) < len(scores.rows):
        return None
    floor = fsum(scores.base[: len(scores.rows)])
    return _gain(fsum(final(scores)), floor, scores), _gain(fsum(diagonal(scores)), floor, scores)


def gain_retained(scores: Scores) -> float | None:
    """sum_j s (S[j, T] - base_j) / sum_j s (S[j, j] - base_j): the share of the gain that remains. Higher is
    better. None without a gain.

    Over runs it is the ratio of the two means, never the mean of the runs' ratios: a run that gained next to
    nothing would decide that."""
    parts = gain_parts(scores)
    return _ratio(*parts) if parts else None


def normalised_parts(scores: Scores, joint: Scores) -> tuple[float, float] | None:
    """Gain of the average score over the base score, of the method and of joint training."""
    own, floor, bound = average_score(scores), base_score(scores), average_score(joint)
    if own is None or floor is None or bound is None:
        return None
    return _gain(own, floor, scores), _gain(bound, floor, scores)


def normalised_score(scores: Scores, joint: Scores) -> float | None:
    """(average score - base) / (joint - base): 0 is the base model, 1 is training on all tasks at once. None
    if joint is no better than the base model."""
    parts = normalised_parts(scores, joint)
    return _ratio(*parts) if parts else None


class Summary(NamedTuple):
    """A summary as a column."""

    title: str
    of: Callable[[Scores], float | None]
    rising: bool = True
    """Higher is better."""
    of_base: bool = True
    """Whether it has a meaning for a model that learns nothing."""
    level: bool = False
    """Whether it is a score, so that its direction is the metric's. Gains and losses keep their own."""
    terms: Callable[[Scores], tuple[float, ...]] | None = None
    """The tasks' numbers, in the order learned, if the summary is their mean."""
    parts: Callable[[Scores], tuple[float, float] | None] | None = None
    """Numerator and denominator, if the summary over runs is a ratio of means."""

    @property
    def arrow(self) -> str:
        """The direction that is better."""
        return "↑" if self.rising else "↓"

    def of_metric(self, better: Better) -> "Summary":
        """The summary of a metric of this direction."""
        return self._replace(rising=better == "higher") if self.level else self


SUMMARIES = {
    "average_score": Summary("score", average_score, level=True, terms=final),
    "average_forgetting": Summary(
        "forgetting", average_forgetting, rising=False, of_base=False, terms=forgotten
    ),
    "forgetting_earlier": Summary("forgetting of earlier tasks", forgetting_earlier, False, of_base=False),
    "backward_transfer": Summary("backward transfer", backward_transfer, of_base=False),
    "average_incremental_score": Summary("incremental score", average_incremental_score, level=True),
    "plasticity": Summary("plasticity", plasticity, level=True),
    "gain_earlier": Summary("gain kept of earlier tasks", gain_earlier, of_base=False),
    "gain_retained": Summary("gain retained", gain_retained, of_base=False, parts=gain_parts),
    "base_score": Summary("base score", base_score, level=True),
}
"""Name -> summary, in the order of the columns."""

PUBLISHED = ("average_score", "average_forgetting")
"""The columns of the paper's tables."""


def summarise(scores: Scores) -> dict[str, float | None]:
    """All summaries of a matrix."""
    return {name: summary.of(scores) for name, summary in SUMMARIES.items()}


def forward_transfer(scores: Scores, before: Sequence[float]) -> float | None:
    """mean over j > 1 of s (S[j, j-1] - base_j): the effect of the earlier tasks on one not yet learned
    (Lopez-Paz & Ranzato 2017, arXiv 1706.08840). Higher is better.

    `before` holds S[j, j-1] from the second task on; the base model stands for their untrained network."""
    return mean(_gain(early, floor, scores) for early, floor in zip(before, scores.base[1:], strict=False))
