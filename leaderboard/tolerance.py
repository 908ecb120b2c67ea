"""The allowed deviation from the baseline, from the spread of the baseline's own runs, between two bounds."""

from collections.abc import Iterable, Mapping
from math import fsum, sqrt
from typing import Literal

from cbench.leaderboard.statistics import Run

DEVIATIONS = 3
"""Width of a tolerance in standard deviations of the baseline's own runs."""
FLOOR = 0.001
"""Smallest tolerance, for floating-point differences between machines."""
CELL_BOUND = 0.05
"""Largest tolerance of a cell."""
SUMMARY_BOUND = 0.02
"""Largest tolerance of a summary, in the metric's own unit."""
RATIO_BOUND = 0.1
"""Largest tolerance of the share of the gain that is retained."""

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


def tolerance(values: Mapping[Run, float], bound: float) -> float:
    """min(bound, max(FLOOR, 3 s)); s is the standard deviation (n - 1) over seeds, pooled over the orders, or
    over orders.

    A single run has no s: the tolerance is the bound.
    """
    samples = [[values[run] for run in group] for group in groups(values)[1]]
    if not samples:
        return bound
    squares = fsum((v - fsum(sample) / len(sample)) ** 2 for sample in samples for v in sample)
    freedom = sum(len(sample) - 1 for sample in samples)
    return min(bound, max(FLOOR, DEVIATIONS * sqrt(squares / freedom)))


def bound_of(summary: str) -> float:
    """The largest tolerance of a summary."""
    return RATIO_BOUND if summary == "gain_retained" else SUMMARY_BOUND
