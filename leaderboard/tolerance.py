"""The allowed deviation from the baseline, from the spread of the baseline's own runs, between two bounds."""

from collections.abc import Collection, Iterable, Mapping
from math import fsum, sqrt
from typing import Literal

from cbench.leaderboard.statistics import Run
from cbench.record.record import Scores

DEVIATIONS = 3
"""Width of a tolerance in standard deviations of the baseline's own runs."""
FLOOR = 0.001
"""Smallest tolerance, for floating-point differences between machines, of a metric of width 1."""
CELL_BOUND = 0.05
"""Largest tolerance of a cell, of a metric of width 1."""
SUMMARY_BOUND = 0.02
"""Largest tolerance of a summary, of a metric of width 1."""
RATIO_BOUND = 0.1
"""Largest tolerance of the share of the gain that is retained."""

RATIOS = ("gain_retained",)
"""The summaries that are shares, whatever the metric's unit."""

Differing = Literal["seeds", "orders", "none"]
"""What the runs of a baseline differ in."""


def groups(runs: Iterable[Run]) -> tuple[Differing, list[list[Run]]]:
    """The groups of runs whose spread counts: runs of one order, which learn the same tasks in the same
    sequence; all runs if no order is repeated."""
    listed = sorted(runs)
    orders = sorted({order for order, _ in listed})
    by_order = [[run for run in listed if run[0] == order] for order in orders]
    repeated = [group for group in by_order if len(group) > 1]
    if repeated:
        return "seeds", repeated
    return ("orders", [listed]) if len(listed) > 1 else ("none", [])


def tolerance(values: Mapping[Run, float], bound: float, width: float = 1.0) -> float:
    """min(bound, max(FLOOR, 3 s)) in units of `width`, the size of the metric (1 for a cosine); s is the
    standard deviation (n - 1) over seeds, pooled over the orders, or over orders.

    A single run has no s: the tolerance is the bound.
    """
    samples = [[values[run] for run in group] for group in groups(values)[1]]
    if not samples:
        return bound * width
    squares = fsum((v - fsum(sample) / len(sample)) ** 2 for sample in samples for v in sample)
    freedom = sum(len(sample) - 1 for sample in samples)
    return min(bound * width, max(FLOOR * width, DEVIATIONS * sqrt(squares / freedom)))


def width_of(matrices: Collection[Scores]) -> float:
    """The size of the metric's numbers, in which the bounds are measured: half its range (1 for a cosine); if
    it has none, the largest number of these matrices (1 if all are 0)."""
    scale = next(iter(matrices)).scale
    if scale.half_width is not None:
        return scale.half_width
    return max((abs(value) for m in matrices for row in (m.base, *m.rows) for value in row), default=0) or 1.0


def bound_of(summary: str) -> float:
    """The largest tolerance of a summary."""
    return RATIO_BOUND if summary in RATIOS else SUMMARY_BOUND
