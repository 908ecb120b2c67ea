"""The table of a board as numbers: methods as rows, summaries of metrics as columns, and the ranks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.statistics import Difference, Run, Spread, holm, least_p, paired, spread
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, Summary
from cbench.record.tuned import Tuned

ALPHA = 0.05


class Column(NamedTuple):
    """A summary of a metric."""

    summary: str
    metric: str

    @property
    def about(self) -> Summary:
        """The summary's title, direction and function."""
        return SUMMARIES[self.summary]

    @property
    def title(self) -> str:
        """The head of the column, with an arrow for the better direction."""
        return f"{self.about.title} {self.metric} {self.about.arrow}"


class Row(NamedTuple):
    """A method's numbers; a column without a number is left out."""

    label: str
    title: str
    regime: str
    runs: tuple[Run, ...]
    """The complete runs."""
    missing: tuple[Run, ...]
    """Runs that other methods of the board have and this one has not finished."""
    partial: dict[Run, int]
    """Runs that ended early, with the number of tasks learned."""
    cells: dict[Column, Spread]
    values: dict[Column, dict[Run, float]]
    """Column -> run -> number: the values behind the cells."""
    tuned: Tuned | None = None
    """How some options were chosen, if `cbench tune` chose them."""

    @property
    def n(self) -> int:
        """Number of complete runs."""
        return len(self.runs)

    @property
    def complete(self) -> bool:
        """Whether the row has all runs of its board."""
        return not self.missing and not self.partial

    @property
    def ranked(self) -> bool:
        """Whether the row is ranked: it has a complete run and is no reference and no upper bound."""
        return self.n > 0 and self.label != BASE and self.regime != "oracle"


class Table(NamedTuple):
    """The rows and columns of a board."""

    columns: list[Column]
    rows: list[Row]


def values(entry: Entry, column: Column) -> dict[Run, float]:
    """The column's number for each complete run that has it; empty for the base model if the summary has no
    meaning for it."""
    if entry.method.name == BASE and not column.about.of_base:
        return {}
    numbers = {
        run: column.about.of(r.scores[column.metric])
        for run, r in entry.runs.items()
        if column.metric in r.scores
    }
    return {run: value for run, value in numbers.items() if value is not None}


def _row(label: str, entry: Entry, columns: Sequence[Column], runs: set[Run]) -> Row:
    # the base model is the same in every run: one run is complete
    missing = () if entry.method.name == BASE else tuple(sorted(runs - entry.runs.keys()))
    by_column = {column: numbers for column in columns if (numbers := values(entry, column))}
    return Row(
        label=label,
        title=entry.method.title,
        regime=entry.method.regime,
        runs=tuple(sorted(entry.runs)),
        missing=missing,
        partial={run: record.learned for run, record in sorted(entry.partial.items())},
        cells={column: spread(list(numbers.values())) for column, numbers in by_column.items()},
        values=by_column,
        tuned=next((record.tuned for record in entry.runs.values() if record.tuned), None),
    )


def build_table(board: Board, summaries: Sequence[str] = PUBLISHED) -> Table:
    """The board's table with some summaries of every metric; columns ordered by summary, as in the paper."""
    columns = [Column(summary, metric) for summary in summaries for metric in board.metrics]
    trained = [entry for label, entry in board.entries.items() if label != BASE]
    runs = {run for entry in trained for run in (*entry.runs, *entry.partial)}
    return Table(columns, [_row(label, entry, columns, runs) for label, entry in board.entries.items()])


def rivals(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Regime -> the rows ranked against each other; a regime with a single row is left out."""
    regimes = sorted({row.regime for row in rows})
    by_regime = {regime: [row for row in rows if row.ranked and row.regime == regime] for regime in regimes}
    return {regime: ranked for regime, ranked in by_regime.items() if len(ranked) > 1}


def shared(ranked: Sequence[Row]) -> set[Run]:
    """The complete runs that all of these rows have: the basis of their ranks."""
    return set.intersection(*(set(row.runs) for row in ranked))


def places(rows: Sequence[Row], column: Column) -> dict[str, int]:
    """Label -> 1 (best) or 2 (second) among the rivals, over their shared runs; equal means share it."""
    ranks: dict[str, int] = {}
    for ranked in rivals(rows).values():
        runs = shared(ranked)
        numbers = {row.label: row.values.get(column, {}) for row in ranked}
        means = {
            label: spread([by_run[run] for run in runs]).mean
            for label, by_run in numbers.items()
            if runs and runs <= by_run.keys()
        }
        podium = sorted(set(means.values()), reverse=column.about.rising)[:2] if len(means) > 1 else []
        ranks |= {label: podium.index(mean) + 1 for label, mean in means.items() if mean in podium}
    return ranks


class Against(NamedTuple):
    """A difference from the reference method, with p corrected for the methods compared in its column."""

    difference: Difference
    p_holm: float

    @property
    def significant(self) -> bool:
        """Whether the corrected p is below 0.05."""
        return self.p_holm < ALPHA

    def data(self) -> dict[str, Any]:
        """The difference for programs."""
        return self.difference.data() | {"p_holm": self.p_holm, "holds": self.significant}


Marks = dict[tuple[str, Column], Against]
"""(method label, column) -> the method's difference from the reference."""


def differences(table: Table, reference: str) -> Marks:
    """Every method against the reference over the shared runs; the base model only as the reference."""
    marks: Marks = {}
    by_label = {row.label: row.values for row in table.rows}
    others = [label for label in by_label if label not in (reference, BASE)]
    for column in table.columns if reference in by_label else ():
        theirs = by_label[reference].get(column, {})
        pairs = {label: paired(by_label[label].get(column, {}), theirs) for label in others}
        compared = {label: pair for label, pair in pairs.items() if pair}
        corrected = holm([pair.p for pair in compared.values()])
        marks |= {
            (label, column): Against(pair, p)
            for (label, pair), p in zip(compared.items(), corrected, strict=True)
        }
    return marks


def least(marks: Marks) -> float:
    """The smallest corrected p that the runs behind these differences allow in any column; 1 without any."""
    columns: dict[Column, list[int]] = {}
    for (_, column), against in marks.items():
        columns.setdefault(column, []).append(against.difference.n)
    return min((least_p(max(pairs), len(pairs)) for pairs in columns.values()), default=1.0)
