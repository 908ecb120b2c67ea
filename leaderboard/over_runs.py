"""A summary over the runs of a method: a mean with its spread, or a ratio of means."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.statistics import Run, interval, order_means, ratio, spread
from cbench.leaderboard.summaries import normalised_parts
from cbench.leaderboard.table import Column, values

JOINT = "joint"
"""The method that trains on all tasks at once: if a board has it, scores are normalised by it."""


class OverRuns(NamedTuple):
    """A summary over runs."""

    mean: float
    """The mean over runs, or a ratio of two means over orders."""
    std: float | None
    """The population standard deviation over runs; None for a ratio."""
    n: int
    """Number of runs."""
    interval: tuple[float, float] | None
    """95 %: Student's over orders, Fieller's for a ratio."""


def over_runs(entry: Entry, column: Column) -> OverRuns | None:
    """A column's summary over the complete runs that have it; None without any, or without a meaning."""
    if column.about.parts and (column.about.of_base or entry.method.name != BASE):
        parts = {
            run: column.about.parts(record.scores[column.metric])
            for run, record in entry.runs.items()
            if column.metric in record.scores
        }
        return _ratio({run: pair for run, pair in parts.items() if pair})
    numbers = values(entry, column)
    if not numbers:
        return None
    return OverRuns(*spread(list(numbers.values())), interval(numbers))


def normalised(board: Board, entry: Entry, metric: str) -> OverRuns | None:
    """(score - base) / (joint - base) over the runs that joint has too; None without joint."""
    bound = next((e.runs for e in board.entries.values() if e.method.name == JOINT), {})
    both = {
        run: (record.scores[metric], bound[run].scores[metric])
        for run, record in entry.runs.items()
        if run in bound and metric in record.scores and metric in bound[run].scores
    }
    parts = {run: normalised_parts(own, joint) for run, (own, joint) in both.items()}
    return _ratio({run: pair for run, pair in parts.items() if pair})


def _ratio(parts: Mapping[Run, tuple[float, float]]) -> OverRuns | None:
    above, below = (_by_order((run, pair[k]) for run, pair in parts.items()) for k in (0, 1))
    quotient = ratio(above, below)
    return OverRuns(quotient.value, None, len(parts), quotient.interval) if quotient else None


def _by_order(numbers: Iterable[tuple[Run, float]]) -> list[float]:
    return list(order_means(dict(numbers)).values())
