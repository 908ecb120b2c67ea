"""How far a number may stray from the baseline's: what follows from the spread of the baseline's own runs,
between two bounds."""

from collections.abc import Iterable, Mapping
from math import fsum, sqrt
from typing import Literal

from cbench.leaderboard.statistics import Run

DEVIATIONS = 3
"""A tolerance is this many standard deviations of the baseline's own runs,"""
FLOOR = 0.001
"""but at least this, for float noise of another machine,"""
CELL_BOUND = 0.05
"""and never more than this for a cell"""
SUMMARY_BOUND = 0.02
"""or this for a summary (in the metric's own unit),"""
RATIO_BOUND = 0.1
"""or this for the share of the gain that is retained."""

Differing = Literal["seeds", "orders", "none"]
"""What the runs of a baseline differ in."""


def groups(runs: Iterable[Run]) -> tuple[Differing, list[list[Run]]]:
    """The runs whose spread counts: those of one order, which learn the same tasks in the same places; else
    all."""
    listed = sorted(runs)
    by_order = [
        [run for run in listed if run[0] == order] for order in sorted({order for order, _ in listed})
    ]
    repeated = [group for group in by_order if len(group) > 1]
    if repeated:
        return "seeds", repeated
    return ("orders", [listed]) if len(listed) > 1 else ("none", [])


def tolerance(values: Mapping[Run, float], bound: float) -> float:
    """min(bound, max(FLOOR, 3 s)), s the standard deviation (n - 1) over seeds, pooled over the orders, or
    over orders.

    A single run has no s and takes the bound.
    """
    found = [[values[run] for run in group] for group in groups(values)[1]]
    if not found:
        return bound
    squares = fsum((v - fsum(group) / len(group)) ** 2 for group in found for v in group)
    return min(bound, max(FLOOR, DEVIATIONS * sqrt(squares / sum(len(group) - 1 for group in found))))


def bound_of(summary: str) -> float:
    """The loosest tolerance of a summary."""
    return RATIO_BOUND if summary == "gain_retained" else SUMMARY_BOUND
