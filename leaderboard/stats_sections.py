"""The sections that `--stats` adds: all summaries, intervals, paired differences, noise, variance, costs."""

from collections.abc import Callable
from typing import NamedTuple

from cbench.leaderboard import diagnostics
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.forgetting_noise import noise_floor
from cbench.leaderboard.markdown import NONE, code, grid, mean_std, number, plain, signed, span
from cbench.leaderboard.over_runs import JOINT, OverRuns, normalised, over_runs
from cbench.leaderboard.statistics import Shares, Spread, variance_shares
from cbench.leaderboard.stream_length import Point, growth, lengths
from cbench.leaderboard.summaries import SUMMARIES, mean
from cbench.leaderboard.table import Column, Marks, Table, columns_of, terms
from cbench.record.record import Costs


def sections(board: Board, table: Table, marks: Marks, reference: str) -> list[str]:
    """The sections, each with its heading."""
    parts = []
    for metric in board.metrics:
        parts += [f"### All summaries, {plain(metric)}", _summaries(board, metric)]
    parts += [RATIO_NOTE]
    for metric in board.metrics:
        title = f"### 95 % intervals of the means (Student's t over orders), {plain(metric)}"
        parts += [title, _intervals(board, metric)]
    if marks:
        parts += [f"### Paired differences from {code(reference)}", _differences(marks), DIFFERENCES_NOTE]
    parts += _forgetting(board)
    parts += _variance(board, table)
    parts += _against_length(board)
    parts += diagnostics.section(board)
    return [*parts, "### Costs, mean over runs", _costs(board), COSTS_NOTE]


RATIO_NOTE = (
    "Gain retained is a ratio of two means over orders, not a mean of ratios; its interval is Fieller's. "
    "`-` if the denominator cannot be told from 0: nothing was gained that could be kept."
)


DIFFERENCES_NOTE = (
    "Over the (order, seed) that both have; seeds are averaged, an order is one unit of the test. p is "
    "two-sided: exact over the flips of whole orders from 7 orders on, Student's t below. p (max-T) is "
    "corrected for all methods and columns of this table by step-down max-T with the same flips (below 7 "
    "orders: rotations) for all."
)


FORGETTING_NOTE = (
    "Forgetting is a maximum over noisy cells less the last one, so it is positive even if nothing is "
    "forgotten. Cell noise: the standard deviation of what a cell shows for one model only, minus the "
    "covariance of successive steps along a task's row (what reverts is noise, what stays is change). Noise "
    "floor: the forgetting that this noise alone would show. Backward transfer has no maximum and no such "
    "bias."
)


VARIANCE_NOTE = (
    "Of one task's number in one run: order / seed / task / rest, the rest being above all what an order "
    "does to one task and not to the others; variance components by analysis of variance. `-` without a "
    "full grid of at least two orders, seeds and tasks. Two seeds or four orders estimate a share roughly."
)


LENGTH_NOTE = (
    "Average score / average forgetting of the first tasks of every stored run. Seconds: what the last of so "
    "many tasks adds to a run; training evenly over tasks, sampling and scoring evenly over cells."
)


def _head(board: Board, metric: str) -> tuple[list[Column], list[str]]:
    columns = columns_of(board, SUMMARIES, [metric])
    return columns, ["method", *(f"{c.about.title} {c.about.arrow}" for c in columns)]


def _all_summaries(board: Board, entry: Entry, metric: str) -> list[OverRuns | None]:
    """Every summary of a method, and the normalised score if the board has joint training."""
    bounded = any(other.method.name == JOINT for other in board.entries.values())
    summaries = [over_runs(entry, column) for column in _head(board, metric)[0]]
    return [*summaries, normalised(board, entry, metric)] if bounded else summaries


def _cell(cell: OverRuns | None, runs: int) -> str:
    """Mean ± std, or a ratio, with the number of runs if some have no such summary."""
    if cell is None:
        return NONE
    fewer = f" ({cell.n} of {runs} runs)" if cell.n < runs else ""
    text = number(cell.mean) if cell.std is None else mean_std(Spread(cell.mean, cell.std, cell.n))
    return text + fewer


def _summaries(board: Board, metric: str) -> str:
    return _by_method(board, metric, lambda cell, entry: _cell(cell, len(entry.runs)))


def _intervals(board: Board, metric: str) -> str:
    return _by_method(board, metric, lambda cell, entry: span(cell.interval if cell else None))


def _by_method(board: Board, metric: str, show: Callable[[OverRuns | None, Entry], str]) -> str:
    head = _head(board, metric)[1]
    rows = [
        [code(label), *(show(cell, entry) for cell in _all_summaries(board, entry, metric))]
        for label, entry in board.entries.items()
    ]
    return grid([*head, "normalised score ↑"][: len(rows[0])], rows)


def _differences(marks: Marks) -> str:
    rows = []
    for (label, column), (pair, p_adjusted) in marks.items():
        numbers = [signed(pair.mean), span(pair.interval), f"{len(pair.by_order)}"]
        p_values = [number(pair.p, 4), number(p_adjusted, 4)]
        rows.append([code(label), plain(column.title), *numbers, *p_values])
    head = ["method", "column", "difference", "95 % interval", "orders", "p", "p (max-T)"]
    return grid(head, rows, left=2)


def _forgetting(board: Board) -> list[str]:
    """Forgetting beside the noise that imitates it and beside backward transfer; empty for short streams."""
    rows = []
    for metric in board.metrics:
        for label, entry in board.entries.items():
            floor = noise_floor(entry, metric)
            columns = columns_of(board, ("average_forgetting", "backward_transfer"), [metric])
            lost, back = (over_runs(entry, column) for column in columns)
            if floor and lost and back:
                numbers = [lost.mean, floor.floor, lost.mean - floor.floor, floor.noise, back.mean]
                rows.append([plain(metric), code(label), *map(number, numbers), span(back.interval)])
    head = ["metric", "method", "forgetting ↓", "noise floor", "above the floor ↓", "cell noise"]
    head += ["backward transfer ↑", "95 % interval"]
    title = "### Forgetting beside its noise floor"
    return [title, grid(head, rows, left=2), FORGETTING_NOTE] if rows else []


def _shares(shares: Shares | None) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares) if shares else NONE


def _variance(board: Board, table: Table) -> list[str]:
    """The heading, table and note; empty if no method has a full grid of runs."""
    shares = {
        label: [_shares(variance_shares(terms(entry, column))) for column in table.columns]
        for label, entry in board.entries.items()
    }
    rows = [[code(label), *cells] for label, cells in shares.items() if {*cells} != {NONE}]
    if not rows:
        return []
    head = ["method", *(plain(c.title) for c in table.columns)]
    return ["### Shares of the variance", grid(head, rows), VARIANCE_NOTE]


def _against_length(board: Board) -> list[str]:
    """Score, forgetting and added cost over the length of the stream; empty for streams of one task."""
    chosen = [k for k in lengths(board.tasks) if k < board.tasks] + [board.tasks]
    parts = []
    for metric in board.metrics if board.tasks > 1 else ():
        curves = {label: growth(entry, metric) for label, entry in board.entries.items()}
        rows = [
            [code(label), *(_point(curve[k - 1]) for k in chosen)] for label, curve in curves.items() if curve
        ]
        seconds = [
            [code(label), *(number(curve[k - 1].added_seconds, 0) for k in chosen)]
            for label, curve in curves.items()
            if curve
        ]
        head = ["method", *(f"{k} tasks" for k in chosen)]
        parts += [f"### Against stream length, {plain(metric)}", grid(head, rows)] if rows else []
    head = ["seconds added by task", *map(str, chosen)]
    return [*parts, grid(head, seconds), LENGTH_NOTE] if parts else []


def _point(point: Point) -> str:
    return " / ".join(number(cell.mean if cell else None) for cell in (point.score, point.forgetting))


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
