"""The table of a board as numbers: a row a method, a column a summary of a metric, and what is best."""

from collections.abc import Sequence
from typing import NamedTuple

from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.statistics import Difference, Run, Spread, holm, least_p, paired, spread
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, Summary

ALPHA = 0.05


class Column(NamedTuple):
    """A summary of a metric."""

    summary: str
    metric: str

    @property
    def about(self) -> Summary:
        """What the summary is."""
        return SUMMARIES[self.summary]

    @property
    def title(self) -> str:
        """The head of the column, with the direction that is better."""
        return f"{self.about.title} {self.metric} {self.about.arrow}"


class Row(NamedTuple):
    """A method's numbers; a column without a number is absent."""

    label: str
    title: str
    regime: str
    runs: tuple[Run, ...]
    """The complete ones."""
    missing: tuple[Run, ...]
    """Runs that other methods of the board have and this one lacks or has not finished."""
    partial: dict[Run, int]
    """Runs that ended early, with the number of tasks learned."""
    cells: dict[Column, Spread]
    values: dict[Column, dict[Run, float]]
    """The number of each run behind the cells."""

    @property
    def n(self) -> int:
        """How many runs the numbers stand on."""
        return len(self.runs)

    @property
    def whole(self) -> bool:
        """Whether the row stands on all the runs of its board."""
        return not self.missing and not self.partial

    @property
    def ranked(self) -> bool:
        """Whether the row competes: a method with a complete run, not a reference or a bound."""
        return self.n > 0 and self.label != BASE and self.regime != "oracle"


class Table(NamedTuple):
    """The rows and columns of a board."""

    columns: list[Column]
    rows: list[Row]


def values(entry: Entry, column: Column) -> dict[Run, float]:
    """The column's number for each complete run that has it; none for the base model where the summary says
    nothing of it."""
    if entry.method.name == BASE and not column.about.of_base:
        return {}
    found = {
        run: column.about.of(r.scores[column.metric])
        for run, r in entry.runs.items()
        if column.metric in r.scores
    }
    return {run: value for run, value in found.items() if value is not None}


def _row(label: str, entry: Entry, columns: Sequence[Column], runs: set[Run]) -> Row:
    # the base model is the same in every run: one run of it is whole
    missing = () if entry.method.name == BASE else tuple(sorted(runs - entry.runs.keys()))
    behind = {column: found for column in columns if (found := values(entry, column))}
    cells = {column: spread(list(found.values())) for column, found in behind.items()}
    partial = {run: record.learned for run, record in sorted(entry.partial.items())}
    return Row(
        label,
        entry.method.title,
        entry.method.regime,
        tuple(sorted(entry.runs)),
        missing,
        partial,
        cells,
        behind,
    )


def table(board: Board, summaries: Sequence[str] = PUBLISHED) -> Table:
    """The board's table with some summaries of every metric, summary by summary as in the paper."""
    columns = [Column(summary, metric) for summary in summaries for metric in board.metrics]
    runs = {
        run
        for label, entry in board.entries.items()
        if label != BASE
        for run in (*entry.runs, *entry.partial)
    }
    return Table(columns, [_row(label, entry, columns, runs) for label, entry in board.entries.items()])


def rivals(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Regime -> the rows that are ranked against each other; a regime of one row is left out: nobody wins
    alone."""
    regimes = sorted({row.regime for row in rows})
    found = {regime: [row for row in rows if row.ranked and row.regime == regime] for regime in regimes}
    return {regime: ranked for regime, ranked in found.items() if len(ranked) > 1}


def shared(ranked: Sequence[Row]) -> set[Run]:
    """The runs that all of these rows have complete: what they are ranked over."""
    return set.intersection(*(set(row.runs) for row in ranked))


def places(rows: Sequence[Row], column: Column) -> dict[str, int]:
    """Label -> 1 (best) or 2 (second) among the rivals that have the column in every shared run; equal means
    share a place."""
    found: dict[str, int] = {}
    for ranked in rivals(rows).values():
        runs = shared(ranked)
        told = {row.label: row.values.get(column, {}) for row in ranked}
        means = {
            label: spread([have[run] for run in runs]).mean
            for label, have in told.items()
            if runs and runs <= have.keys()
        }
        podium = sorted(set(means.values()), reverse=column.about.rising)[:2] if len(means) > 1 else []
        found |= {label: podium.index(mean) + 1 for label, mean in means.items() if mean in podium}
    return found


class Against(NamedTuple):
    """A difference against the reference method, with p corrected for the number of methods compared in its
    column."""

    difference: Difference
    p_holm: float

    @property
    def holds(self) -> bool:
        """Whether the corrected p is below 0.05."""
        return self.p_holm < ALPHA


Marks = dict[tuple[str, Column], Against]
"""(method label, column) -> the method against the reference."""


def differences(made: Table, reference: str) -> Marks:
    """Every method against the reference over the runs both have; the base model takes part only as the
    reference."""
    found: Marks = {}
    by_label = {row.label: row.values for row in made.rows}
    others = [label for label in by_label if label not in (reference, BASE)]
    for column in made.columns if reference in by_label else ():
        theirs = by_label[reference].get(column, {})
        pairs = {label: paired(by_label[label].get(column, {}), theirs) for label in others}
        told = {label: pair for label, pair in pairs.items() if pair}
        corrected = holm([pair.p for pair in told.values()])
        found |= {
            (label, column): Against(pair, p)
            for (label, pair), p in zip(told.items(), corrected, strict=True)
        }
    return found


def least(marks: Marks) -> float:
    """The smallest corrected p that the runs behind these differences allow in any column; 1 of no
    differences."""
    columns: dict[Column, list[int]] = {}
    for (_, column), against in marks.items():
        columns.setdefault(column, []).append(against.difference.n)
    return min((least_p(max(pairs), len(pairs)) for pairs in columns.values()), default=1.0)
