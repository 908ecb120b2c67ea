"""The numbers behind the board's charts, ready for JSON: points, Pareto front, score matrices."""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.statistics import interval
from cbench.leaderboard.table import columns_of, values
from cbench.scale import Better

Point = tuple[float, float]
"""Average forgetting, average score."""


def pareto(points: Mapping[str, Point], better: Better) -> list[str]:
    """The labels that no other point dominates (at least as good in both, better in one), by forgetting:
    forgetting is better low, the score in its metric's direction."""
    sign = 1 if better == "higher" else -1

    def dominates(one: Point, two: Point) -> bool:
        as_good = one[0] <= two[0] and sign * one[1] >= sign * two[1]
        return as_good and one != two

    front = [a for a, point in points.items() if not any(dominates(p, point) for p in points.values())]
    return sorted(front, key=lambda label: (*points[label], label))


def tradeoff(board: Board, metric: str) -> dict[str, Any]:
    """Average forgetting against average score of every method with complete runs, means and 95 % intervals
    over orders; the front is over methods that are no upper bound; `floor` is the base model's score,
    `ceiling` that of real images."""
    forgetting, score = columns_of(board, ("average_forgetting", "average_score"), [metric])
    points: dict[str, dict[str, Any]] = {}
    floor = None
    for label, entry in board.entries.items():
        scores, losses = values(entry, score), values(entry, forgetting)
        if label == BASE and scores:
            floor = _mean(list(scores.values()))
        if scores and losses:
            points[label] = {
                "x": _mean(list(losses.values())),
                "y": _mean(list(scores.values())),
                "x_interval": interval(losses),
                "y_interval": interval(scores),
            }
    ranked = {
        label: (point["x"], point["y"])
        for label, point in points.items()
        if board.entries[label].method.regime != "oracle"
    }
    better = board.scales[metric].better
    return {
        "points": points,
        "front": pareto(ranked, better),
        "floor": floor,
        "ceiling": board.ceilings.get(metric),
        "better": better,
        "unit": board.scales[metric].unit,
    }


def _mean(numbers: Sequence[float]) -> float:
    return fsum(numbers) / len(numbers)


def matrices(entry: Entry, metric: str) -> dict[str, Any]:
    """Order -> its tasks, their scores by the base model, and S with a row for each model and a column for
    each task (the layout of `cbench show`), seeds averaged."""
    orders: dict[int, list[Any]] = {}
    for (order, _), record in entry.runs.items():
        if metric in record.scores:
            orders.setdefault(order, []).append(record)
    return {
        str(order): {
            "tasks": list(records[0].tasks),
            "seeds": len(records),
            "base": [
                _mean(list(cell)) for cell in zip(*(r.scores[metric].base for r in records), strict=True)
            ],
            "rows": [
                [_mean(list(cell)) for cell in zip(*row, strict=True)]
                for row in zip(*(r.scores[metric].rows for r in records), strict=True)
            ],
        }
        for order, records in sorted(orders.items())
    }


def charts(board: Board) -> dict[str, Any]:
    """All charts of a board: `tradeoff` by metric, `matrices` by metric and method."""
    return {
        "tradeoff": {metric: tradeoff(board, metric) for metric in board.metrics},
        "matrices": {
            metric: {
                label: by_order
                for label, entry in board.entries.items()
                if (by_order := matrices(entry, metric))
            }
            for metric in board.metrics
        },
    }
