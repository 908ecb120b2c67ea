"""Power: which difference some orders resolve, how many orders a difference needs, what that costs."""

from collections.abc import Sequence
from math import fsum, sqrt
from typing import Any, NamedTuple

from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.statistics import ALPHA, STILL, Difference, Run, deviation, paired, t_quantile
from cbench.leaderboard.table import Column, Table, values
from cbench.record.record import Record

POWER = 0.8
"""Probability with which a resolved difference is detected."""

MOST_ORDERS = 1000
"""More orders are not proposed."""

LIMITS = 0.8
"""Coverage of the limits of a standard deviation that was estimated from few orders."""


def resolved(std: float, orders: int, alpha: float = ALPHA) -> float:
    """The smallest true difference that a two-sided t test over `orders` orders detects with 80 % power.

    `std` is the standard deviation of the orders' differences. The t statistic has a noncentral t
    distribution (Cohen 1988, ch. 2). At least 2 orders."""
    from scipy.special import nctdtrinc

    critical = t_quantile(1 - alpha / 2, orders - 1)
    return float(nctdtrinc(orders - 1, 1 - POWER, critical)) * std / sqrt(orders)


def orders_needed(difference: float, std: float, alpha: float = ALPHA) -> int | None:
    """The smallest number of orders that resolves the difference; None above 1000 orders."""
    enough, few = MOST_ORDERS, 1
    if difference == 0 or resolved(std, enough, alpha) > abs(difference):
        return None
    while enough - few > 1:
        middle = (enough + few) // 2
        if resolved(std, middle, alpha) <= abs(difference):
            enough = middle
        else:
            few = middle
    return enough


def std_limits(std: float, orders: int) -> tuple[float, float]:
    """The 80 % limits of a standard deviation estimated from normal differences of some orders: s sqrt((n -
    1) / chi2)."""
    from scipy.special import chdtri

    ends = (float(chdtri(orders - 1, tail)) for tail in ((1 - LIMITS) / 2, (1 + LIMITS) / 2))
    low, high = (std * sqrt((orders - 1) / end) for end in ends)
    return low, high


def with_seeds(differences: dict[Run, float], seeds: int) -> float | None:
    """The standard deviation of the orders' differences if each order had `seeds` seeds.

    The variance of an order's mean is that between orders plus that between seeds / seeds; both are estimated
    by analysis of variance (Searle, Casella & McCulloch 1992, ch. 3), a negative one as 0. For as many seeds
    as are stored it is the orders' own standard deviation, so another number may not join it smoothly. None
    with a single order, or if every order has one seed and another number is asked for."""
    by_order: dict[int, list[float]] = {}
    for (order, _), value in differences.items():
        by_order.setdefault(order, []).append(value)
    if len(by_order) < 2:
        return None
    listed = list(by_order.values())
    total = deviation([fsum(group) / len(group) for group in listed]) ** 2
    stored = len(listed) / fsum(1 / len(group) for group in listed)
    if abs(stored - seeds) < 1e-9:
        return sqrt(total)
    repeated = [group for group in listed if len(group) > 1]
    if not repeated:
        return None
    freedom = sum(len(group) - 1 for group in repeated)
    within = fsum(deviation(group) ** 2 * (len(group) - 1) for group in repeated) / freedom
    return sqrt(max(0.0, total - within / stored) + within / seeds)


class Resolution(NamedTuple):
    """What a column resolves."""

    column: Column
    orders: int
    """The orders behind it."""
    std: float
    """Standard deviation of an order's difference from the reference, root mean square over the methods."""
    difference: float
    """The smallest difference that these orders resolve."""

    def data(self) -> dict[str, Any]:
        """The resolution for programs."""
        rest = {"orders": self.orders, "std": self.std, "difference": self.difference}
        return self.column.data() | rest


def resolution(table: Table, column: Column, reference: str) -> Resolution | None:
    """What a column resolves at 80 % power in a single comparison with the reference at level 0.05; None if
    no method shares two orders with the reference.

    Methods that share fewer orders than others do not count."""
    by_label = {row.label: row.values.get(column, {}) for row in table.rows}
    theirs = by_label.get(reference, {})
    others = (by_label[label] for label in by_label if label not in (reference, BASE))
    pairs = [pair for numbers in others if (pair := paired(numbers, theirs))]
    orders = max((len(pair.by_order) for pair in pairs), default=0)
    if orders < 2:
        return None
    full = [list(pair.by_order.values()) for pair in pairs if len(pair.by_order) == orders]
    std = sqrt(fsum(deviation(units) ** 2 for units in full) / len(full))
    return Resolution(column, orders, std, resolved(std, orders))


class Comparison(NamedTuple):
    """Two methods in one column: what is stored, and what it takes to tell them apart."""

    suite: str
    column: Column
    one: str
    two: str
    difference: Difference
    """One less two."""
    std: float
    """Of an order's difference, for the number of seeds asked for."""
    seeds: int
    """Seeds of each order."""
    resolves: float | None
    """The smallest difference that the stored orders resolve."""
    needed: int | None
    """Orders that resolve a difference as large as the observed one; None above 1000."""
    limits: tuple[int | None, int | None]
    """`needed` at the 80 % limits of the standard deviation."""
    hours: float | None
    """Hours of the runs of both methods that are missing for the needed orders and seeds; None without
    `needed`."""

    @property
    def orders(self) -> int:
        """Orders that both methods have."""
        return len(self.difference.by_order)

    def data(self) -> dict[str, Any]:
        """The comparison for programs."""
        about = {"suite": self.suite} | self.column.data() | {"methods": [self.one, self.two]}
        rest = {
            name: getattr(self, name) for name in ("std", "seeds", "resolves", "needed", "limits", "hours")
        }
        return about | {"difference": self.difference.data()} | rest


def seconds(record: Record) -> float:
    """The seconds that a run took, shared work included."""
    costs = record.costs
    return costs.train_seconds + (costs.merge_seconds or 0) + costs.sample_seconds + costs.score_seconds


def _seconds_of(board: Board, label: str) -> float:
    runs = board.entries[label].runs.values()
    return fsum(map(seconds, runs)) / len(runs)


def comparison(
    board: Board, column: Column, one: str, two: str, seeds: int | None = None, alpha: float = ALPHA
) -> Comparison | None:
    """What it takes to tell two methods apart in a column, from the runs that both have; None with fewer than
    two shared orders, for numbers that are equal up to rounding, or if `seeds` asks for another number than
    is stored and no order has two.

    `seeds` is the number of seeds of each order to come, by default as stored (rounded)."""
    ours, theirs = (values(board.entries[label], column) for label in (one, two))
    difference = paired(ours, theirs)
    if difference is None or len(difference.by_order) < 2:
        return None
    if max(map(abs, difference.by_order.values())) < STILL:
        return None
    orders = len(difference.by_order)
    count = seeds or max(1, round(difference.n / orders))
    differences = {run: ours[run] - theirs[run] for run in ours.keys() & theirs.keys()}
    std = with_seeds(differences, count)
    if std is None:
        return None
    needed = orders_needed(difference.mean, std, alpha)
    limits = [orders_needed(difference.mean, end, alpha) for end in std_limits(std, orders)]
    missing = max(0, (needed or 0) * count - min(difference.n, orders * count))
    hours = missing * (_seconds_of(board, one) + _seconds_of(board, two)) / 3600
    return Comparison(
        suite=board.suite,
        column=column,
        one=one,
        two=two,
        difference=difference,
        std=std,
        seeds=count,
        resolves=resolved(std, orders, alpha),
        needed=needed,
        limits=(limits[0], limits[1]),
        hours=None if needed is None else hours,
    )


def grows(std: float, orders: Sequence[int], alpha: float = ALPHA) -> list[float]:
    """The smallest resolved difference for each number of orders."""
    return [resolved(std, n, alpha) for n in orders]
