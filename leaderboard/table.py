"""The table of a board as numbers: methods as rows, summaries of metrics as columns, and the ranks."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, repeat
from math import inf
from typing import Any, NamedTuple

from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.statistics import (
    ALPHA,
    Difference,
    Run,
    Spread,
    least_p,
    order_means,
    paired,
    rank_intervals,
    spread,
    step_down,
)
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, Summary
from cbench.record.tuned import Tuned
from cbench.scale import Better


class Column(NamedTuple):
    """A summary of a metric."""

    summary: str
    metric: str
    better: Better = "higher"
    """The direction of the metric; that of the column is `about.rising`."""

    @property
    def about(self) -> Summary:
        """The summary's title, direction and function."""
        return SUMMARIES[self.summary].of_metric(self.better)

    def data(self) -> dict[str, str]:
        """The column for programs."""
        return {"summary": self.summary, "metric": self.metric}

    @property
    def title(self) -> str:
        """The head of the column, with an arrow for the better direction."""
        return f"{self.about.title} {self.metric} {self.about.arrow}"


def columns_of(board: Board, summaries: Iterable[str], metrics: Iterable[str] | None = None) -> list[Column]:
    """The columns of some summaries of the board's metrics (all by default), ordered by summary."""
    scales = board.scales
    chosen = list(scales if metrics is None else metrics)
    return [Column(summary, metric, scales[metric].better) for summary in summaries for metric in chosen]


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


def terms(entry: Entry, column: Column) -> dict[tuple[int, int, str], float]:
    """(order, seed, task) -> the task's part of the column's number; empty for the base model, which does not
    vary, and for a summary that is no mean over tasks."""
    of = column.about.terms
    if of is None or entry.method.name == BASE:
        return {}
    return {
        (*run, task): number
        for run, record in entry.runs.items()
        if column.metric in record.scores
        for task, number in zip(record.tasks, of(record.scores[column.metric]), strict=False)
    }


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
    columns = columns_of(board, summaries)
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


class Place(NamedTuple):
    """A method's place in a column of its regime."""

    place: int
    """1 + the number of methods in better groups; methods that cannot be told apart share it."""
    group: int | None
    """1 for the first group of its regime, 2 for the second, ..; None if all methods are one group."""
    ranks: tuple[int, int] | None
    """The middle 95 % of its rank over resampled orders; None for a single order."""


Places = dict[str, Place]
"""Method label -> place."""


def tie_groups(
    means: Mapping[str, float], p_values: Mapping[tuple[str, str], float], rising: bool
) -> list[list[str]]:
    """The methods in groups that cannot be told apart, the best group first; `p_values` holds each pair once.

    A group holds the best method that is left, and every other one that is not significantly worse than it.
    To be told apart is not transitive (A = B, B = C, A > C): a method is compared with the best of a group
    only, so C opens the next one."""
    left = sorted(means, key=lambda label: ((-1 if rising else 1) * means[label], label))
    groups = []
    while left:
        best, *others = left
        worse = [one for one in others if _p_of(p_values, best, one) < ALPHA]
        groups.append([label for label in left if label not in worse])
        left = worse
    return groups


def _p_of(p_values: Mapping[tuple[str, str], float], one: str, two: str) -> float:
    return p_values[one, two] if (one, two) in p_values else p_values[two, one]


def places(rows: Sequence[Row], column: Column) -> Places:
    """The places of a column, each regime apart, over the runs that its methods share; empty without rivals.

    All pairs of a column are one family of tests."""
    ranks: Places = {}
    for ranked in rivals(rows).values():
        runs = shared(ranked)
        by_label = {row.label: row.values.get(column, {}) for row in ranked}
        units = {
            label: order_means({run: by_run[run] for run in runs})
            for label, by_run in by_label.items()
            if runs and runs <= by_run.keys()
        }
        if len(units) > 1:
            ranks |= _places(units, column.about.rising)
    return ranks


def _places(units: Mapping[str, Mapping[int, float]], rising: bool) -> Places:
    """The places of methods with the same orders."""
    pairs = list(combinations(units, 2))
    differences = [{order: units[a][order] - units[b][order] for order in units[a]} for a, b in pairs]
    p_values = dict(zip(pairs, step_down(differences), strict=True))
    means = {label: spread(list(by_order.values())).mean for label, by_order in units.items()}
    intervals = rank_intervals([list(by_order.values()) for by_order in units.values()], rising)
    ranks = dict(zip(units, intervals or repeat(None, len(units)), strict=True))
    groups = tie_groups(means, p_values, rising)
    by_label, place = Places(), 1
    for number, group in enumerate(groups, 1):
        group_number = number if len(groups) > 1 else None
        by_label |= {label: Place(place, group_number, ranks[label]) for label in group}
        place += len(group)
    return by_label


class Against(NamedTuple):
    """A difference from the reference method, with p corrected for all methods and columns of the table."""

    difference: Difference
    p_adjusted: float

    @property
    def significant(self) -> bool:
        """Whether the corrected p is below 0.05."""
        return self.p_adjusted < ALPHA

    def data(self) -> dict[str, Any]:
        """The difference for programs."""
        return self.difference.data() | {"p_adjusted": self.p_adjusted, "holds": self.significant}


Marks = dict[tuple[str, Column], Against]
"""(method label, column) -> the method's difference from the reference."""


def differences(table: Table, reference: str) -> Marks:
    """Every method against the reference over the shared runs; the base model only as the reference.

    All methods and columns of the table are one family of tests."""
    by_label = {row.label: row.values for row in table.rows}
    theirs = by_label.get(reference, {})
    others = [label for label in by_label if label not in (reference, BASE)]
    pairs = {
        (label, column): pair
        for column in table.columns
        for label in others
        if (pair := paired(by_label[label].get(column, {}), theirs.get(column, {})))
    }
    corrected = step_down([pair.by_order for pair in pairs.values()])
    return {
        key: Against(pair, max(p, pair.p)) for (key, pair), p in zip(pairs.items(), corrected, strict=True)
    }


SORTS = ("method", "runs")
"""Names by which rows are sorted besides the columns."""


def sort_names(board: Board) -> list[str]:
    """What `sorted_board` accepts: method, runs, SUMMARY (of the first metric), SUMMARY/METRIC."""
    return [*SORTS, *SUMMARIES, *(f"{s}/{metric}" for metric in board.metrics for s in SUMMARIES)]


def sorted_board(board: Board, by: str) -> Board:
    """The board with its methods sorted by a column, the best first and methods without a number last;
    unchanged if the board lacks the column's metric."""
    summary, _, metric = by.partition("/")
    metric = metric or next(iter(board.metrics), "")

    def key(label: str) -> tuple[float, str]:
        entry = board.entries[label]
        if by in SORTS:
            return (-len(entry.runs) if by == "runs" else 0.0, label)
        (column,) = columns_of(board, [summary], [metric])
        numbers = list(values(entry, column).values())
        return ((-1 if column.about.rising else 1) * spread(numbers).mean if numbers else inf, label)

    if by not in sort_names(board):
        return board
    return board._replace(entries={label: board.entries[label] for label in sorted(board.entries, key=key)})


def least(marks: Marks) -> float:
    """The smallest p that the orders behind these differences allow; 1 without any."""
    return min((least_p(len(one.difference.by_order)) for one in marks.values()), default=1.0)
