"""A stop rule that stays honest: looks before all orders are run, at an unchanged total level."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard.statistics import ALPHA

POINTS = 801
"""Points of the integration grid."""


class Look(NamedTuple):
    """One planned look."""

    orders: int
    spent: float
    """The part of the level that may be spent up to here."""
    p: float
    """Stop if Student's t test over the orders so far gives a p of at most this."""


def spent(fraction: float, alpha: float = ALPHA) -> float:
    """The level of a two-sided test spent at a fraction of the orders: 4 - 4 F(z_{alpha/4} / sqrt(fraction)),
    F the normal distribution (Lan & DeMets 1983, each side with alpha / 2; like O'Brien & Fleming 1979,
    little is spent at first)."""
    from scipy.special import ndtr, ndtri

    return float(4 - 4 * ndtr(ndtri(1 - alpha / 4) / sqrt(fraction)))


@cache
def plan(orders: tuple[int, ...], alpha: float = ALPHA) -> tuple[Look, ...]:
    """The looks after these numbers of orders, the last one being the end. Raises BadInput unless they rise
    and begin with at least 2.

    The normal boundaries follow from the spending function by integrating the paths that have not crossed yet
    (Armitage, McPherson & Rowe 1969). Their p is then applied to the t test of the orders so far (Pocock
    1977), which keeps the total level close to alpha also for few orders (simulated in the tests)."""
    if not orders or orders[0] < 2 or any(b <= a for a, b in pairwise(orders)):
        raise BadInput(f"looks {_listed(orders)}: name rising numbers of orders, at least 2, such as 4,8,12")
    fractions = [n / orders[-1] for n in orders]
    levels = [spent(fraction, alpha) for fraction in fractions]
    nominal = _boundaries(fractions, levels)
    return tuple(map(Look, orders, levels, nominal))


def _listed(orders: Sequence[int]) -> str:
    return ",".join(map(str, orders)) or "(none)"


def _boundaries(fractions: Sequence[float], levels: Sequence[float]) -> list[float]:
    """The nominal p of each look: of a Brownian motion at `fractions`, the part that first crosses there is
    the step of `levels`."""
    import numpy as np
    from scipy.special import ndtr

    at, weight, before, nominal = np.zeros(1), np.ones(1), 0.0, list[float]()  # the motion starts at 0
    for fraction, step in zip(fractions, np.diff([0.0, *levels]), strict=True):
        scale = sqrt(fraction - before)

        low, high = 0.0, 12.0 * sqrt(fraction)
        for _ in range(60):
            bound = (low + high) / 2
            crossing = weight @ (ndtr((at - bound) / scale) + ndtr((-at - bound) / scale))
            low, high = (bound, high) if crossing > step else (low, bound)
        nominal.append(float(2 * ndtr(-high / sqrt(fraction))))
        grid = np.linspace(-high, high, POINTS)
        density = np.exp(-(((grid[:, None] - at) / scale) ** 2) / 2) / (scale * sqrt(2 * np.pi)) @ weight
        simpson = np.resize([2.0, 4.0], POINTS) * (grid[1] - grid[0]) / 3
        simpson[[0, -1]] /= 2
        at, weight, before = grid, density * simpson, fraction
    return nominal
