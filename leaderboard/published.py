"""The published numbers, and the agreement of our order of the methods with the published one."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.statistics import Spread, order_means, spread, tau_interval, taus
from cbench.leaderboard.summaries import PUBLISHED
from cbench.leaderboard.table import Column, Row, columns_of, values
from cbench.scale import COSINE

FEWEST = 3
"""Fewer methods have too few orders to compare."""


class PublishedSuite(BaseModel):
    """One table of the paper."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    metrics: dict[str, str]
    """Key of the metric -> its name in print."""
    methods: dict[str, dict[str, dict[str, tuple[float, float | None]]]]
    """Method -> summary -> metric -> mean and standard deviation."""


class Variant(BaseModel):
    """One of two readings of a published method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Two words for the row's title."""
    about: str
    """The note below the table."""


class Published(BaseModel):
    """The paper's tables and their source."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    authors: str
    source: str
    runs: int
    orders: int
    """The orders among the runs."""
    tracks: tuple[str, ...]
    """The tracks that follow the paper's protocol: numbers are compared, not only the order."""
    variants: dict[str, Variant]
    """Method label -> its reading, if the published runs and the published text differ."""
    suites: dict[str, PublishedSuite]


@cache
def published() -> Published:
    """The tables that ship with cbench (published.json)."""
    return Published.model_validate_json(
        files(__package__).joinpath("published.json").read_text(encoding="utf-8")
    )


class Match(NamedTuple):
    """One of our columns and the published one of the same metric: `dino` matches `dino` and `mini_dino`."""

    column: Column
    key: str
    name: str


def matches(board: Board, paper: PublishedSuite) -> list[Match]:
    """The board's published columns that the paper's table has; its metrics are cosine similarities."""
    pairs = [
        (m, key)
        for m, scale in board.scales.items()
        for key in paper.metrics
        if scale == COSINE and (m == key or m.endswith(f"_{key}"))
    ]
    return [
        Match(column, key, paper.metrics[key])
        for s in PUBLISHED
        for metric, key in pairs
        for column in columns_of(board, [s], [metric])
    ]


class Theirs(NamedTuple):
    """One of our numbers and the published one."""

    label: str
    match: Match
    ours: Spread
    theirs: tuple[float, float | None]


def side_by_side(board: Board, rows: Sequence[Row], paper: PublishedSuite) -> list[Theirs]:
    """Every cell that both have, from complete rows only."""
    pairs = []
    for row in (r for r in rows if r.complete):
        for match in matches(board, paper):
            number = paper.methods.get(row.label, {}).get(match.column.summary, {}).get(match.key)
            if number and match.column in row.cells:
                pairs.append(Theirs(row.label, match, row.cells[match.column], number))
    return pairs


class Agreement(NamedTuple):
    """Kendall's tau between our order of the methods and the published one in a column, best method first."""

    match: Match
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    tau: float
    interval: tuple[float, float] | None
    """The middle 95 % over resampled orders and drawn published means."""
    runs: int


def _best_first(means: Mapping[str, float], column: Column) -> tuple[str, ...]:
    sign = -1 if column.about.rising else 1
    return tuple(sorted(means, key=lambda label: (sign * means[label], label)))


def agreement(board: Board, match: Match, paper: PublishedSuite) -> Agreement | None:
    """The agreement of a column's order of the published methods with the paper's, over the runs that all of
    them have; None for fewer than three methods."""
    printed = {
        label: cells.get(match.column.summary, {}).get(match.key)
        for label, cells in paper.methods.items()
        if label != BASE
    }
    labels = [label for label, number in printed.items() if number and label in board.entries]
    by_label = {label: values(board.entries[label], match.column) for label in labels}
    shared = sorted(set.intersection(*map(set, by_label.values()))) if by_label else []
    if len(labels) < FEWEST or not shared:
        return None
    theirs = {label: number for label in labels if (number := printed[label])}
    units = [order_means({run: by_label[label][run] for run in shared}) for label in labels]
    ours = [list(by_order.values()) for by_order in units]
    means = {label: spread(row).mean for label, row in zip(labels, ours, strict=True)}
    published_means = {label: mean for label, (mean, _) in theirs.items()}
    tau = taus([[mean] for mean in means.values()], [[mean] for mean in published_means.values()])
    interval = tau_interval(ours, list(theirs.values()), published().orders)
    orders = _best_first(means, match.column), _best_first(published_means, match.column)
    return Agreement(match, *orders, float(tau[0]), interval, len(shared))
