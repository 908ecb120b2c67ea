"""The baseline of the gate: what a set of runs measured, and how far a fresh run may stray from it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, sqrt
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from cbench.errors import BadInput
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.files import Stored
from cbench.leaderboard.statistics import Run
from cbench.leaderboard.summaries import SUMMARIES, summarise
from cbench.printable import one_line
from cbench.read import first_fault, read_text
from cbench.record import Part, Record, Scores, TrackRef
from cbench.slug import Slug

SCHEMA: Final = 1
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


class Expected(Part):
    """One run as measured."""

    suite: Slug
    suite_digest: str
    method: str
    """The method's label."""
    version: int
    order: int
    seed: int
    tasks: tuple[Slug, ...]
    scores: dict[Slug, Scores]
    summaries: dict[Slug, dict[str, float | None]]
    """As aggregated when the baseline was written: the same matrices must always give the same."""

    @property
    def learned(self) -> int:
        """How many tasks the run had finished."""
        return min(len(scores.rows) for scores in self.scores.values())


class Tolerance(Part):
    """How far one metric of one method on one suite may move, cell by cell and summary by summary."""

    suite: Slug
    method: str
    metric: Slug
    spread: Literal["seeds", "orders", "none"]
    """What the runs differ in; a baseline of one run has no spread and takes the bounds."""
    base: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    summaries: dict[str, float]


class Baseline(Part):
    """A file for `cbench check`."""

    schema_version: Literal[1] = SCHEMA
    track: TrackRef
    runs: tuple[Expected, ...] = Field(min_length=1)
    tolerances: tuple[Tolerance, ...]


def _expected(record: Record) -> Expected:
    return Expected(
        suite=record.suite,
        suite_digest=record.suite_digest,
        method=record.method.label,
        version=record.method.version,
        order=record.order,
        seed=record.seed,
        tasks=record.tasks,
        scores=record.scores,
        summaries={metric: summarise(scores) for metric, scores in record.scores.items()},
    )


def _groups(runs: Iterable[Run]) -> tuple[Literal["seeds", "orders", "none"], list[list[Run]]]:
    """The runs whose spread counts: those of one order, which learn the same tasks in the same places; else all."""
    listed = sorted(runs)
    by_order = [[run for run in listed if run[0] == order] for order in sorted({order for order, _ in listed})]
    repeated = [group for group in by_order if len(group) > 1]
    if repeated:
        return "seeds", repeated
    return ("orders", [listed]) if len(listed) > 1 else ("none", [])


def tolerance(values: Mapping[Run, float], bound: float) -> float:
    """min(bound, max(FLOOR, 3 s)), s the standard deviation (n - 1) over seeds, pooled over the orders, or over orders.

    A single run has no s and takes the bound.
    """
    groups = [[values[run] for run in group] for group in _groups(values)[1]]
    if not groups:
        return bound
    squares = fsum((v - fsum(group) / len(group)) ** 2 for group in groups for v in group)
    return min(bound, max(FLOOR, DEVIATIONS * sqrt(squares / sum(len(group) - 1 for group in groups))))


def bound_of(summary: str) -> float:
    """The loosest tolerance of a summary."""
    return RATIO_BOUND if summary == "gain_retained" else SUMMARY_BOUND


def _tolerance(about: tuple[str, str, str], matrices: Mapping[Run, Scores]) -> Tolerance:
    suite, method, metric = about
    tasks, learned = max(len(m.base) for m in matrices.values()), max(len(m.rows) for m in matrices.values())

    def cell(i: int, j: int) -> float:
        return tolerance({run: m.rows[i][j] for run, m in matrices.items() if i < len(m.rows)}, CELL_BOUND)

    told = {run: summarise(m) for run, m in matrices.items()}
    known = {s: {run: value for run, t in told.items() if (value := t[s]) is not None} for s in SUMMARIES}
    return Tolerance(
        suite=suite,
        method=method,
        metric=metric,
        spread=_groups(matrices)[0],
        base=tuple(tolerance({run: m.base[j] for run, m in matrices.items() if j < len(m.base)}, CELL_BOUND) for j in range(tasks)),
        rows=tuple(tuple(cell(i, j) for j in range(i + 1)) for i in range(learned)),
        summaries={s: tolerance(values, bound_of(s)) for s, values in known.items() if values},
    )


def tolerances(runs: Sequence[Expected]) -> tuple[Tolerance, ...]:
    """The tolerances that follow from some runs: one for each suite, method and metric."""
    found: dict[tuple[str, str, str], dict[Run, Scores]] = {}
    for run in runs:
        for metric, scores in run.scores.items():
            found.setdefault((run.suite, run.method, metric), {})[run.order, run.seed] = scores
    return tuple(_tolerance(about, matrices) for about, matrices in found.items())


def _records(board: Board) -> list[Record]:
    return [record for entry in board.entries.values() for _, record in sorted((entry.runs | entry.partial).items())]


def make(stored: Sequence[Stored]) -> Baseline:
    """A baseline of these records; BadInput where they are of several protocols, or a run is there twice."""
    tables = boards(stored)
    if len({(b.track.digest, b.suite): b for b in tables}) < len(tables) or len({b.track.digest for b in tables}) > 1:
        raise BadInput("a baseline is of one track and one version of its data, these records are of several; name a folder that holds one")
    runs = tuple(_expected(record) for board in tables for record in _records(board))
    return Baseline(track=tables[0].track, runs=runs, tolerances=tolerances(runs))


def read(path: Path) -> Baseline:
    """The baseline in a file; BadInput where it is none, is damaged, or is newer than this cbench."""
    text = read_text(path, "baseline")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} is not a baseline: {one_line(error)}") from error
    schema = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or "tolerances" not in data:
        raise BadInput(f"{path} is not a baseline; `cbench check --update` writes one")
    if schema > SCHEMA:
        raise BadInput(f"{path} has schema {schema}, newer than this cbench reads ({SCHEMA}); upgrade cbench")
    try:
        return Baseline.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"baseline {path}: {first_fault(error)}") from error
