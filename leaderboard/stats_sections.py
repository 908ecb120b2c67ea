"""The sections that `--stats` adds: all summaries, intervals, paired differences, variance, costs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cbench.leaderboard import diagnostics
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.markdown import NONE, code, grid, mean_std, number, plain, signed, span
from cbench.leaderboard.statistics import Shares, interval, spread, variance_shares
from cbench.leaderboard.summaries import SUMMARIES, mean, normalised_score
from cbench.leaderboard.table import Column, Marks, Table, columns_of, values
from cbench.record.record import Costs

JOINT = "joint"
"""The method that trains on all tasks at once: if a board has it, scores are normalised by it."""


def sections(board: Board, table: Table, marks: Marks, reference: str) -> list[str]:
    """The sections, each with its heading."""
    parts = []
    for metric in board.metrics:
        parts += [f"### All summaries, {plain(metric)}", _summaries(board, metric)]
    for metric in board.metrics:
        title = f"### 95 % intervals of the means (Student's t), {plain(metric)}"
        parts += [title, _intervals(board, metric)]
    if marks:
        parts += [f"### Paired differences from {code(reference)}", _differences(marks), DIFFERENCES_NOTE]
    parts += _variance(table)
    parts += diagnostics.section(board)
    return [*parts, "### Costs, mean over runs", _costs(board), COSTS_NOTE]


DIFFERENCES_NOTE = (
    "Over the (order, seed) that both have. p is two-sided, exact over all sign flips up to 16 pairs, "
    "Wilcoxon's above; p (Holm) is corrected for the methods compared in a column."
)


VARIANCE_NOTE = (
    "Between the orders' means / between the seeds' means / the rest; `-` without a full grid of at least "
    "two orders and two seeds."
)


def normalised(board: Board, entry: Entry, metric: str) -> list[float]:
    """Scores relative to base and joint, for each (order, seed) that has them; none without joint."""
    bound = next((e.runs for e in board.entries.values() if e.method.name == JOINT), {})
    pairs = [
        (record.scores.get(metric), bound[run].scores.get(metric))
        for run, record in entry.runs.items()
        if run in bound
    ]
    numbers = [normalised_score(own, joint) for own, joint in pairs if own and joint]
    return [value for value in numbers if value is not None]


def _head(columns: Sequence[Column]) -> list[str]:
    return ["method", *(f"{c.about.title} {c.about.arrow}" for c in columns)]


def _cell(numbers: Sequence[float], runs: int) -> str:
    """Mean ± std, with the number of runs if some have no such summary."""
    fewer = f" ({len(numbers)} of {runs} runs)" if len(numbers) < runs else ""
    return mean_std(spread(numbers)) + fewer if numbers else NONE


def _summaries(board: Board, metric: str) -> str:
    columns = columns_of(board, SUMMARIES, [metric])
    bounded = any(entry.method.name == JOINT for entry in board.entries.values())
    rows = []
    for label, entry in board.entries.items():
        listed = [list(values(entry, column).values()) for column in columns]
        listed += [normalised(board, entry, metric)] if bounded else []
        rows.append([code(label), *(_cell(numbers, len(entry.runs)) for numbers in listed)])
    return grid(_head(columns) + (["normalised score ↑"] if bounded else []), rows)


def _intervals(board: Board, metric: str) -> str:
    columns = columns_of(board, SUMMARIES, [metric])
    rows = [
        [code(label), *(span(interval(list(values(entry, column).values()))) for column in columns)]
        for label, entry in board.entries.items()
    ]
    return grid(_head(columns), rows)


def _differences(marks: Marks) -> str:
    rows = []
    for (label, column), (pair, p_holm) in marks.items():
        numbers = [signed(pair.mean), span(pair.interval), f"{pair.n}", number(pair.p, 4), number(p_holm, 4)]
        rows.append([code(label), plain(column.title), *numbers])
    return grid(["method", "column", "difference", "95 % interval", "pairs", "p", "p (Holm)"], rows, left=2)


def _shares(shares: Shares | None) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares) if shares else NONE


def _variance(table: Table) -> list[str]:
    """The heading, table and note; empty if no method has a full grid of runs."""
    rows = [
        [code(row.label), *(_shares(variance_shares(row.values.get(c, {}))) for c in table.columns)]
        for row in table.rows
    ]
    if all(cell == NONE for _, *cells in rows for cell in cells):
        return []
    return [
        "### Shares of the variance between runs",
        grid(["method", *(plain(c.title) for c in table.columns)], rows),
        VARIANCE_NOTE,
    ]


class Cost(NamedTuple):
    """A column of the costs, with its unit in the title."""

    title: str
    of: Callable[[Costs], float]
    digits: int = 0


COSTS = (
    Cost("training s", lambda c: c.train_seconds),
    Cost("sampling s", lambda c: c.sample_seconds),
    Cost("scoring s", lambda c: c.score_seconds),
    Cost("peak memory MB", lambda c: c.peak_memory_bytes / 1e6),
    Cost("trained parameters", lambda c: c.trained_parameters),
    Cost("memory kept MB", lambda c: c.memory_bytes / 1e6, 2),
    Cost("disk MB", lambda c: c.disk_bytes / 1e6, 1),
)


COSTS_NOTE = (
    "Wall-clock seconds on the machines of the runs, other load included: equal trainings may differ by as "
    "much as machines do."
)


def _costs(board: Board) -> str:
    def row(label: str, entry: Entry) -> list[str]:
        runs = entry.runs.values()
        return [code(label), *(number(mean(cost.of(r.costs) for r in runs), cost.digits) for cost in COSTS)]

    head = ["method", *(cost.title for cost in COSTS)]
    return grid(head, [row(label, entry) for label, entry in board.entries.items()])
