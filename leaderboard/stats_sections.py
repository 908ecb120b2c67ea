"""What `--stats` adds to a board: every summary, intervals, paired differences, shares of variance, costs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cbench.leaderboard import diagnostics as companions
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.markdown import NONE, code, grid, mean_std, number, plain, signed, span
from cbench.leaderboard.statistics import Shares, interval, spread, variance_shares
from cbench.leaderboard.summaries import SUMMARIES, mean, normalised_score
from cbench.leaderboard.table import Column, Marks, Table, values
from cbench.record.record import Costs

JOINT = "joint"
"""The method that trains on all tasks at once: where it is on the board, scores are normalised by it."""


def sections(board: Board, made: Table, marks: Marks, reference: str) -> list[str]:
    """The details, each with its heading."""
    parts = [
        part
        for metric in board.metrics
        for part in (f"### All summaries, {plain(metric)}", _summaries(board, metric))
    ]
    for metric in board.metrics:
        parts += [
            f"### 95 % intervals of the means (Student's t), {plain(metric)}",
            _intervals(board, metric),
        ]
    if marks:
        parts += [f"### Paired differences from {code(reference)}", _differences(marks), DIFFERENCES_NOTE]
    parts += _variance(made)
    parts += companions.section(board)
    return [*parts, "### Costs, mean over runs", _costs(board), COSTS_NOTE]


DIFFERENCES_NOTE = (
    "Over the (order, seed) that both have; p is two-sided, exact over all sign flips up to 16 pairs, "
    "Wilcoxon's beyond; "
    "p (Holm) is corrected for the methods compared in a column."
)


VARIANCE_NOTE = (
    "Between the orders' means / between the seeds' means / the rest; `-` without a full grid of two or "
    "more of each."
)


def normalised(board: Board, entry: Entry, metric: str) -> list[float]:
    """Scores between base and joint, one for each (order, seed) that has them; none on a board without
    joint."""
    bound = next((e.runs for e in board.entries.values() if e.method.name == JOINT), {})
    pairs = [
        (record.scores.get(metric), bound[run].scores.get(metric))
        for run, record in entry.runs.items()
        if run in bound
    ]
    return [
        value for own, joint in pairs if own and joint and (value := normalised_score(own, joint)) is not None
    ]


def _head(columns: Sequence[Column]) -> list[str]:
    return ["method", *(f"{c.about.title} {c.about.arrow}" for c in columns)]


def _cell(found: Sequence[float], runs: int) -> str:
    """Mean ± std; where the summary says nothing of some of the runs, how many it is over."""
    fewer = f" ({len(found)} of {runs} runs)" if len(found) < runs else ""
    return mean_std(spread(found)) + fewer if found else NONE


def _summaries(board: Board, metric: str) -> str:
    columns = [Column(summary, metric) for summary in SUMMARIES]
    bounded = any(entry.method.name == JOINT for entry in board.entries.values())
    rows = []
    for label, entry in board.entries.items():
        listed = [list(values(entry, column).values()) for column in columns]
        listed += [normalised(board, entry, metric)] if bounded else []
        rows.append([code(label), *(_cell(found, len(entry.runs)) for found in listed)])
    return grid(_head(columns) + (["normalised score ↑"] if bounded else []), rows)


def _intervals(board: Board, metric: str) -> str:
    columns = [Column(summary, metric) for summary in SUMMARIES]
    told = {
        label: [interval(list(values(entry, column).values())) for column in columns]
        for label, entry in board.entries.items()
    }
    return grid(_head(columns), [[code(label), *map(span, ends)] for label, ends in told.items()])


def _differences(marks: Marks) -> str:
    rows = [
        [
            code(label),
            plain(column.title),
            signed(pair.mean),
            span(pair.interval),
            f"{pair.n}",
            number(pair.p, 4),
            number(p_holm, 4),
        ]
        for (label, column), (pair, p_holm) in marks.items()
    ]
    return grid(["method", "column", "difference", "95 % interval", "pairs", "p", "p (Holm)"], rows, left=2)


def _shares(shares: Shares | None) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares) if shares else NONE


def _variance(made: Table) -> list[str]:
    """The heading, table and note; nothing where no method has the grid of runs that it takes."""
    told = {
        row.label: [_shares(variance_shares(row.values.get(column, {}))) for column in made.columns]
        for row in made.rows
    }
    if all(cell == NONE for cells in told.values() for cell in cells):
        return []
    rows = [[code(label), *cells] for label, cells in told.items()]
    return [
        "### Shares of the variance between runs",
        grid(["method", *(plain(c.title) for c in made.columns)], rows),
        VARIANCE_NOTE,
    ]


class Cost(NamedTuple):
    """A column of the costs, in its unit."""

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
    "Seconds as they passed on the machines of the runs, other work on them included: equal trainings may "
    "differ by as much as machines do."
)


def _costs(board: Board) -> str:
    def row(label: str, entry: Entry) -> list[str]:
        return [
            code(label),
            *(number(mean(cost.of(r.costs) for r in entry.runs.values()), cost.digits) for cost in COSTS),
        ]

    return grid(
        ["method", *(cost.title for cost in COSTS)],
        [row(label, entry) for label, entry in board.entries.items()],
    )
