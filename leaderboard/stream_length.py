"""Score, forgetting and cost as the stream grows: the summaries of the first k tasks of every stored run."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cbench.leaderboard.collect import BASE, Entry
from cbench.leaderboard.statistics import Run, Spread, interval, spread
from cbench.leaderboard.summaries import average_forgetting, average_score, mean
from cbench.record.record import Costs, Scores


class Point(NamedTuple):
    """A method after k tasks of the stream."""

    tasks: int
    score: Spread
    score_interval: tuple[float, float] | None
    forgetting: Spread | None
    """None for the base model."""
    forgetting_interval: tuple[float, float] | None
    added_seconds: float
    """Seconds that the k-th task adds to a run."""

    def data(self) -> dict[str, Any]:
        """The point for programs."""
        nested = {"score": self.score._asdict() | {"interval": self.score_interval}, "forgetting": None}
        if self.forgetting:
            nested["forgetting"] = self.forgetting._asdict() | {"interval": self.forgetting_interval}
        return {"tasks": self.tasks} | nested | {"added_seconds": self.added_seconds}


def growth(entry: Entry, metric: str) -> list[Point]:
    """A point for every number of tasks from 1 to T, over the complete runs with this metric; empty without
    any."""
    matrices = {run: r.scores[metric] for run, r in entry.runs.items() if metric in r.scores}
    tasks = min((len(scores.rows) for scores in matrices.values()), default=0)
    return [_point(entry, matrices, k, tasks) for k in range(1, tasks + 1)]


def _point(entry: Entry, matrices: dict[Run, Scores], k: int, tasks: int) -> Point:
    cut = {run: first_tasks(scores, k) for run, scores in matrices.items()}
    scores = _numbers(cut, average_score)
    lost = {} if entry.method.name == BASE else _numbers(cut, average_forgetting)
    added = mean(added_seconds(entry.runs[run].costs, k, tasks) for run in matrices)
    return Point(
        tasks=k,
        score=spread(list(scores.values())),
        score_interval=interval(scores),
        forgetting=spread(list(lost.values())) if lost else None,
        forgetting_interval=interval(lost) if lost else None,
        added_seconds=added or 0.0,
    )


def _numbers(matrices: dict[Run, Scores], of: Callable[[Scores], float | None]) -> dict[Run, float]:
    return {run: value for run, scores in matrices.items() if (value := of(scores)) is not None}


def first_tasks(scores: Scores, k: int) -> Scores:
    """The matrix as it was after k tasks."""
    return Scores.model_construct(base=scores.base[:k], rows=scores.rows[:k], scale=scores.scale)


def added_seconds(costs: Costs, k: int, tasks: int) -> float:
    """The seconds that the k-th of T tasks adds: a T-th of training and merging, and of sampling and scoring
    the share of its k cells and its base cell in all T (T + 1) / 2 + T.

    A record holds totals alone; the split assumes that every training and every cell costs the same."""
    once = costs.train_seconds + (costs.merge_seconds or 0)
    cells = tasks * (tasks + 1) / 2 + tasks
    return once / tasks + (costs.sample_seconds + costs.score_seconds) * (k + 1) / cells


def lengths(tasks: int, count: int = 5) -> list[int]:
    """At most `count` evenly spaced numbers of tasks, the last one T."""
    return sorted({max(1, round(tasks * k / count)) for k in range(1, count + 1)}) if tasks else []
