"""Statistics over runs: spread, intervals, paired differences, corrections, shares of variance."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import fsum, sqrt
from typing import Any, NamedTuple

Run = tuple[int, int]
"""(order, seed)"""

EXACT_UP_TO = 16
"""Above this number of pairs Wilcoxon's signed-rank test replaces the 2^n sign flips."""


STILL = 1e-9
"""A standard deviation below this is a rounding error."""


class Spread(NamedTuple):
    """Mean and population standard deviation over n runs, as the paper prints them."""

    mean: float
    std: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    mean = fsum(values) / len(values)
    return Spread(mean, sqrt(fsum((v - mean) ** 2 for v in values) / len(values)), len(values))


def interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval for the mean: mean +- t_{n-1} s / sqrt(n), s with n - 1; None for n < 2."""
    if len(values) < 2:
        return None
    from scipy.special import stdtrit  # same quantile as scipy.stats.t.ppf, half its import time

    centre, std, n = spread(values)
    half = float(stdtrit(n - 1, (1 + level) / 2)) * std / sqrt(n - 1)
    return centre - half, centre + half


@lru_cache
def _flips(n: int) -> Any:
    """All 2^n rows of signs, the row without a flip first."""
    import numpy as np

    return 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of paired differences: the share of all 2^n sign flips whose |sum| is at least the observed
    one (Fisher 1935).

    Above 16 pairs Wilcoxon's signed-rank test. The smallest p that n pairs allow is 2 / 2^n.
    """
    if not any(differences):
        return 1.0
    if len(differences) > EXACT_UP_TO:
        from scipy.stats import wilcoxon

        return float(wilcoxon(differences).pvalue)
    sums = abs(_flips(len(differences)) @ list(differences))
    slack = 1e-9 * fsum(map(abs, differences))  # ties up to rounding count as ties
    return float((sums >= sums[0] - slack).mean())


def least_p(n: int, compared: int) -> float:
    """The smallest p of n pairs after Holm's correction for the methods compared; 0 above 16 pairs."""
    return min(1.0, compared * 2 / 2**n) if n <= EXACT_UP_TO else 0.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979): the k-th smallest of m, times m - k + 1; monotone, at most 1."""
    corrected = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = least
    return corrected


class Difference(NamedTuple):
    """A method against a reference over the runs that both have."""

    differences: tuple[float, ...]
    p: float

    @property
    def n(self) -> int:
        """Number of runs that both have."""
        return len(self.differences)

    @property
    def mean(self) -> float:
        """The mean difference."""
        return spread(self.differences).mean

    @property
    def interval(self) -> tuple[float, float] | None:
        """The mean's 95 % interval; computed on demand, because importing scipy is slow."""
        return interval(self.differences)

    def data(self) -> dict[str, Any]:
        """The difference for programs."""
        return {"mean": self.mean, "interval": self.interval, "n": self.n, "p": self.p}


def paired(values: Mapping[Run, float], reference: Mapping[Run, float]) -> Difference | None:
    """values - reference on matched (order, seed); None if they share no run."""
    differences = tuple(values[run] - reference[run] for run in sorted(values.keys() & reference.keys()))
    return Difference(differences, sign_flip_p(differences)) if differences else None


class Shares(NamedTuple):
    """Shares of the population variance over a full grid of runs; they add up to 1."""

    order: float
    seed: float
    rest: float


def variance_shares(values: Mapping[Run, float]) -> Shares | None:
    """Two-way split of the variance: between orders, between seeds, and the rest (their interaction).

    None if the runs are not a full grid of at least two orders and two seeds, or do not vary.
    """
    orders, seeds = sorted({o for o, _ in values}), sorted({s for _, s in values})
    total = spread(list(values.values())).std ** 2 if values else 0.0
    if min(len(orders), len(seeds)) < 2 or len(values) != len(orders) * len(seeds) or total < STILL**2:
        return None
    by_order = spread([fsum(values[o, s] for s in seeds) / len(seeds) for o in orders]).std ** 2 / total
    by_seed = spread([fsum(values[o, s] for o in orders) / len(orders) for s in seeds]).std ** 2 / total
    return Shares(by_order, by_seed, max(0.0, 1 - by_order - by_seed))
