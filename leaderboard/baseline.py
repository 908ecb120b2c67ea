"""The baseline of the gate: what a set of runs measured, and how far a fresh run may stray from it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError, model_validator

from cbench.errors import BadInput
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.statistics import Run
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, summarise
from cbench.leaderboard.tolerance import CELL_BOUND, Differing, bound_of, groups, tolerance
from cbench.record.record import Record, Scores, TrackRef
from cbench.utils.names import Slug
from cbench.utils.text import first_fault, one_line, read_text
from cbench.utils.values import Frozen

SCHEMA: Final = 1


class Expected(Frozen):
    """One run as measured."""

    suite: Slug
    suite_digest: str
    method: str
    """The method's label."""
    version: int
    order: int
    seed: int
    tasks: tuple[Slug, ...]
    scores: dict[Slug, Scores] = Field(min_length=1)
    summaries: dict[Slug, dict[str, float | None]]
    """As aggregated when the baseline was written: the same matrices must always give the same."""

    @model_validator(mode="after")
    def _summaries_of_each_metric(self) -> "Expected":
        if self.summaries.keys() != self.scores.keys():
            raise ValueError("the summaries are of other metrics than the scores")
        if any(not told.keys() >= set(PUBLISHED) for told in self.summaries.values()):
            raise ValueError(f"the summaries lack {' or '.join(PUBLISHED)}")
        return self

    @property
    def learned(self) -> int:
        """How many tasks the run had finished."""
        return min(len(scores.rows) for scores in self.scores.values())


class Tolerance(Frozen):
    """How far one metric of one method on one suite may move, cell by cell and summary by summary."""

    suite: Slug
    method: str
    metric: Slug
    spread: Differing
    """What the runs differ in; a baseline of one run has no spread and takes the bounds."""
    base: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    summaries: dict[str, float]

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Tolerance":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of the tolerances holds i + 1 numbers")
        return self


class Baseline(Frozen):
    """A file for `cbench check`."""

    schema_version: Literal[1] = SCHEMA
    track: TrackRef
    runs: tuple[Expected, ...] = Field(min_length=1)
    tolerances: tuple[Tolerance, ...]

    @model_validator(mode="after")
    def _each_run_once(self) -> "Baseline":
        if len({(run.suite, run.method, run.order, run.seed) for run in self.runs}) < len(self.runs):
            raise ValueError("a run is there twice")
        return self

    @model_validator(mode="after")
    def _each_summary_is_held(self) -> "Baseline":
        """A summary without a tolerance would pass unchecked, as would one that some of the runs no longer
        hold."""
        every = [told for run in self.runs for told in run.summaries.values()]
        if lacking := sorted(
            {name for told in every for name in told if any(name not in other for other in every)}
        ):
            raise ValueError(f"the summaries of some of the runs lack {', '.join(lacking)}")
        for t in self.tolerances:
            if lacking := sorted(self._known(t) - t.summaries.keys()):
                raise ValueError(
                    f"the tolerances of {t.suite} {t.method} {t.metric} lack {', '.join(lacking)}"
                )
        return self

    def _known(self, about: Tolerance) -> set[str]:
        """The summaries that the runs behind a tolerance have a number of."""
        runs = [run for run in self.runs if (run.suite, run.method) == (about.suite, about.method)]
        return {
            name
            for run in runs
            for name, value in run.summaries.get(about.metric, {}).items()
            if value is not None
        }


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
        spread=groups(matrices)[0],
        base=tuple(
            tolerance({run: m.base[j] for run, m in matrices.items() if j < len(m.base)}, CELL_BOUND)
            for j in range(tasks)
        ),
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
    return [
        record
        for entry in board.entries.values()
        for _, record in sorted((entry.runs | entry.partial).items())
    ]


def make(stored: Sequence[Stored]) -> Baseline:
    """A baseline of these records; BadInput where they are of several protocols, or a run is there twice."""
    tables = boards(stored)
    if len({b.suite for b in tables}) < len(tables) or len({b.track for b in tables}) > 1:
        raise BadInput(
            "a baseline is of one track and one version of its data, these records are of several; name a "
            "folder that holds one"
        )
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
