"""The baseline of the gate: the numbers of a set of runs, and how far a fresh run may differ from them."""

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
from cbench.leaderboard.tolerance import CELL_BOUND, RATIOS, Differing, bound_of, groups, tolerance, width_of
from cbench.record.record import Record, Scores, TrackRef
from cbench.utils.names import Slug
from cbench.utils.text import first_error, one_line, read_text
from cbench.utils.values import Frozen

SCHEMA: Final = 2
"""2: every matrix names its scale; those of schema 1 are cosine similarities."""


class Expected(Frozen):
    """One run of the baseline."""

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
    """As computed when the baseline was written: the same matrices must always give the same summaries."""

    @model_validator(mode="after")
    def _summaries_of_each_metric(self) -> "Expected":
        if self.summaries.keys() != self.scores.keys():
            raise ValueError("summaries and scores name different metrics")
        if any(not values.keys() >= set(PUBLISHED) for values in self.summaries.values()):
            raise ValueError(f"the summaries lack {' or '.join(PUBLISHED)}")
        return self

    @property
    def learned(self) -> int:
        """Number of tasks that the run finished."""
        return min(len(scores.rows) for scores in self.scores.values())


class Tolerance(Frozen):
    """How far one metric of one method on one suite may differ, for each cell and each summary."""

    suite: Slug
    method: str
    metric: Slug
    spread: Differing
    """What the runs differ in; a baseline of one run has no spread and takes the upper bounds."""
    base: tuple[float, ...]
    rows: tuple[tuple[float, ...], ...]
    summaries: dict[str, float]

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Tolerance":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of the tolerances must hold i + 1 numbers")
        return self


class Baseline(Frozen):
    """A file for `cbench check`."""

    schema_version: Literal[2] = SCHEMA
    track: TrackRef
    runs: tuple[Expected, ...] = Field(min_length=1)
    tolerances: tuple[Tolerance, ...]

    @model_validator(mode="after")
    def _each_run_once(self) -> "Baseline":
        if len({(run.suite, run.method, run.order, run.seed) for run in self.runs}) < len(self.runs):
            raise ValueError("duplicate run")
        return self

    @model_validator(mode="after")
    def _each_summary_has_a_tolerance(self) -> "Baseline":
        """A summary without a tolerance, or that some runs no longer have, would pass unchecked."""
        every = [values.keys() for run in self.runs for values in run.summaries.values()]
        if missing := sorted(set().union(*every) - set(every[0]).intersection(*every)):
            raise ValueError(f"the summaries of some runs lack {', '.join(missing)}")
        for t in self.tolerances:
            if missing := sorted(self._known(t) - t.summaries.keys()):
                raise ValueError(
                    f"the tolerances of {t.suite} {t.method} {t.metric} lack {', '.join(missing)}"
                )
        return self

    def _known(self, tolerance: Tolerance) -> set[str]:
        """The summaries that have a number in a run behind the tolerance."""
        key = tolerance.suite, tolerance.method
        runs = [run for run in self.runs if (run.suite, run.method) == key]
        return {
            name
            for run in runs
            for name, value in run.summaries.get(tolerance.metric, {}).items()
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


def _tolerance(key: tuple[str, str, str], matrices: Mapping[Run, Scores]) -> Tolerance:
    suite, method, metric = key
    tasks, learned = max(len(m.base) for m in matrices.values()), max(len(m.rows) for m in matrices.values())
    width = width_of(matrices.values())

    def cell(i: int, j: int) -> float:
        values = {run: m.rows[i][j] for run, m in matrices.items() if i < len(m.rows)}
        return tolerance(values, CELL_BOUND, width)

    summaries = {run: summarise(m) for run, m in matrices.items()}
    known = {
        s: {run: value for run, v in summaries.items() if (value := v[s]) is not None} for s in SUMMARIES
    }
    return Tolerance(
        suite=suite,
        method=method,
        metric=metric,
        spread=groups(matrices)[0],
        base=tuple(
            tolerance({run: m.base[j] for run, m in matrices.items() if j < len(m.base)}, CELL_BOUND, width)
            for j in range(tasks)
        ),
        rows=tuple(tuple(cell(i, j) for j in range(i + 1)) for i in range(learned)),
        summaries={
            s: tolerance(values, bound_of(s), 1.0 if s in RATIOS else width)
            for s, values in known.items()
            if values
        },
    )


def tolerances(runs: Sequence[Expected]) -> tuple[Tolerance, ...]:
    """The tolerances that follow from some runs: one for each (suite, method, metric)."""
    matrices: dict[tuple[str, str, str], dict[Run, Scores]] = {}
    for run in runs:
        for metric, scores in run.scores.items():
            matrices.setdefault((run.suite, run.method, metric), {})[run.order, run.seed] = scores
    return tuple(_tolerance(key, by_run) for key, by_run in matrices.items())


def _records(board: Board) -> list[Record]:
    return [
        record
        for entry in board.entries.values()
        for _, record in sorted((entry.runs | entry.partial).items())
    ]


def make(stored: Sequence[Stored]) -> Baseline:
    """The baseline of these records. Raises BadInput for several protocols or a duplicate run."""
    tables = boards(stored)
    if len({b.suite for b in tables}) < len(tables) or len({b.track for b in tables}) > 1:
        raise BadInput(
            "a baseline covers one track and one version of its data, these records cover several; name a "
            "folder with one"
        )
    runs = tuple(_expected(record) for board in tables for record in _records(board))
    return Baseline(track=tables[0].track, runs=runs, tolerances=tolerances(runs))


def read(path: Path) -> Baseline:
    """The baseline in a file. Raises BadInput if it is invalid or newer than this cbench."""
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
        if schema == 1:  # only the number differs: a matrix without a scale is of cosine similarities
            text = json.dumps(data | {"schema_version": SCHEMA})
        return Baseline.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"baseline {path}: {first_error(error)}") from error
