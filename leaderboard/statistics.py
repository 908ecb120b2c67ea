"""The formulas of the statistics, each with its source.

The unit is the order. Runs of one order learn the same tasks in the same sequence and resemble each other, so
they are not independent: seeds are averaged within an order first, and tests, intervals and resampling are
over orders."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import fsum, inf, sqrt
from random import Random
from typing import Any, NamedTuple

Run = tuple[int, int]
"""(order, seed)"""

ALPHA = 0.05
"""Level of the marks; intervals cover 1 - ALPHA."""

FEWEST_FLIPPED = 7
"""Sign flips of n orders reach p = 2^(1-n) at least: from 7 orders on, steps are fine enough for a test of
size near 0.05. Fewer orders are rotated, which needs a normal distribution."""

EXACT_UP_TO = 16
"""Above this number of orders the 2^(n-1) flips are drawn, not enumerated."""

ROTATIONS, FLIPS = 20_000, 2**15
"""Drawn directions, the observed one included: the smallest p of a drawn test is 1 / this."""

RESAMPLES = 2000

STILL = 1e-5
"""A difference or standard deviation below this is a rounding error of encoders in single precision, which
another processor makes otherwise; it is no difference."""


class Spread(NamedTuple):
    """Mean and population standard deviation over n runs, as the paper prints them."""

    mean: float
    std: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    mean = fsum(values) / len(values)
    return Spread(mean, sqrt(fsum((v - mean) ** 2 for v in values) / len(values)), len(values))


def deviation(units: Sequence[float]) -> float:
    """The sample standard deviation (n - 1) of at least two units."""
    return spread(units).std * sqrt(len(units) / (len(units) - 1))


def order_means(values: Mapping[Run, float]) -> dict[int, float]:
    """Order -> mean over its seeds, sorted by order."""
    by_order: dict[int, list[float]] = {}
    for (order, _), value in sorted(values.items()):
        by_order.setdefault(order, []).append(value)
    return {order: spread(seeds).mean for order, seeds in by_order.items()}


def t_quantile(probability: float, freedom: int) -> float:
    """The quantile of Student's t distribution."""
    from scipy.special import stdtrit  # same as scipy.stats.t.ppf, half its import time

    return float(stdtrit(freedom, probability))


def t_interval(units: Sequence[float], level: float = 1 - ALPHA) -> tuple[float, float] | None:
    """Student's interval for the mean of independent units: mean +- t_{n-1} s / sqrt(n).

    None for fewer than two units, and for units that do not vary: no interval has width zero."""
    if len(units) < 2 or deviation(units) < STILL:
        return None
    centre = spread(units).mean
    half = t_quantile((1 + level) / 2, len(units) - 1) * deviation(units) / sqrt(len(units))
    return centre - half, centre + half


def interval(values: Mapping[Run, float], level: float = 1 - ALPHA) -> tuple[float, float] | None:
    """Student's interval over the means of the orders; None for a single order or without variation."""
    return t_interval(list(order_means(values).values()), level)


def t_test(units: Sequence[float]) -> float:
    """Two-sided p of Student's test that the units' mean is 0 (Student 1908); 1 for a single unit, and for
    units that are 0 up to rounding."""
    if len(units) < 2 or max(map(abs, units)) < STILL:
        return 1.0
    from scipy.special import stdtr

    std = deviation(units)
    t = abs(spread(units).mean) * sqrt(len(units)) / std if std else inf
    return float(2 * stdtr(len(units) - 1, -t))


# Tests of many differences at once ------------------------------------------------------------------------


@lru_cache
def directions(blocks: tuple[int, ...]) -> Any:
    """The weights of the orders under the null hypothesis, draws x orders, the observed ones (all 1) first.

    Orders that share a block are rotated together: a uniform direction of the length sqrt(size), exact for
    normal differences (Langsrud 2005, Rotation tests). An order of its own block is flipped, exact for
    symmetric differences (Fisher 1935): all 2^(n-1) flips up to 16 orders, drawn ones above."""
    import numpy as np

    n, random = len(blocks), Random(0)  # numpy's generators may change between versions, this one does not
    if len(set(blocks)) == n <= EXACT_UP_TO:
        return 1.0 - 2.0 * ((np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1)
    draws = FLIPS if len(set(blocks)) == n else ROTATIONS
    weights = np.array([random.gauss(0, 1) for _ in range(draws * n)]).reshape(draws, n)
    for block in set(blocks):
        inside = [order for order in range(n) if blocks[order] == block]
        weights[:, inside] *= sqrt(len(inside)) / np.linalg.norm(weights[:, inside], axis=1, keepdims=True)
    weights[0] = 1
    return weights


def step_down(differences: Sequence[Mapping[int, float]]) -> list[float]:
    """Two-sided p of each difference (order -> value), corrected for all of them: the probability of a false
    one among them stays below the level.

    Step-down max-T (Westfall & Young 1993, algorithm 2.8; Romano & Wolf 2005): all differences get the same
    flips or rotations of whole orders, so methods that share a reference and columns that resemble each other
    cost little. The statistic |sum_o w_o d_o| / |d| grows with Student's |t|. p is the share of directions,
    the observed one included, in which the largest statistic of this and the less significant differences
    reaches the observed one. A difference without some orders has 0 there; one that is 0 up to rounding has
    p = 1."""
    import numpy as np

    orders = sorted({order for one in differences for order in one})
    matrix = np.array([[one.get(order, 0.0) for one in differences] for order in orders])
    tested = [k for k in range(len(differences)) if len(orders) and abs(matrix[:, k]).max() >= STILL]
    p_values = [1.0] * len(differences)
    if not tested:
        return p_values
    lengths = np.linalg.norm(matrix[:, tested], axis=0)
    statistics = abs(directions(_blocks(orders, differences)) @ (matrix[:, tested] / lengths))
    ranked = np.argsort(-statistics[0], kind="stable")
    largest = np.maximum.accumulate(statistics[:, ranked[::-1]], axis=1)[:, ::-1]
    shares = (largest >= statistics[0, ranked] - 1e-9).mean(axis=0)  # ties up to rounding count as ties
    for place, p in zip(ranked, np.maximum.accumulate(shares), strict=True):
        p_values[tested[place]] = float(p)
    return p_values


def _blocks(orders: Sequence[int], differences: Sequence[Mapping[int, float]]) -> tuple[int, ...]:
    """Each order's block: its own where orders are flipped; where they are rotated, orders that the same
    differences have share one, so that a rotation leaves missing values missing."""
    if len(orders) >= FEWEST_FLIPPED:
        return tuple(range(len(orders)))
    having = [tuple(order in one for one in differences) for order in orders]
    return tuple(map(having.index, having))


def single_p(difference: Mapping[int, float]) -> float:
    """Two-sided p of one difference (order -> value): exact flips of whole orders from 7 orders on, below
    Student's t test, which is what rotations of a single difference are."""
    if len(difference) < FEWEST_FLIPPED:
        return t_test(list(difference.values()))
    return step_down([difference])[0]


def least_p(orders: int) -> float:
    """The smallest p that a test over these orders can give: 1 for a single order, 2^(1-n) for flips; from
    2 to 6 orders what the drawn rotations resolve."""
    if orders < 2:
        return 1.0
    return 1 / ROTATIONS if orders < FEWEST_FLIPPED else max(2.0 ** (1 - orders), 1 / FLIPS)


class Difference(NamedTuple):
    """A method less a reference over the runs that both have."""

    by_order: dict[int, float]
    """Order -> difference of the means over the seeds that both have."""
    n: int
    """Number of runs that both have."""

    @property
    def mean(self) -> float:
        """The mean over orders."""
        return spread(list(self.by_order.values())).mean

    @property
    def interval(self) -> tuple[float, float] | None:
        """Student's interval of the mean over orders."""
        return t_interval(list(self.by_order.values()))

    @property
    def p(self) -> float:
        """Two-sided p of this difference alone."""
        return single_p(self.by_order)

    def data(self) -> dict[str, Any]:
        """The difference for programs."""
        about = {"mean": self.mean, "interval": self.interval, "n": self.n}
        return about | {"orders": len(self.by_order), "p": self.p}


def paired(values: Mapping[Run, float], reference: Mapping[Run, float]) -> Difference | None:
    """values - reference on matched (order, seed); None if they share no run."""
    differences = {run: values[run] - reference[run] for run in values.keys() & reference.keys()}
    return Difference(order_means(differences), len(differences)) if differences else None


# Resampled orders -----------------------------------------------------------------------------------------


def resampled_means(units: Sequence[Sequence[float]]) -> Any:
    """Means over resampled orders, methods x draws, of methods x orders; the same draw for all methods.

    A bootstrap of n units is too narrow: by sqrt((n - 1) / n), and by the normal quantile in place of
    Student's (Hesterberg 2015, What teachers should know about the bootstrap). Deviations from the observed
    mean are widened by both, so that the middle 95 % of one method's means match Student's interval."""
    import numpy as np

    matrix, n = np.asarray(units, float), len(units[0])
    centre = matrix.mean(axis=1, keepdims=True)
    wider = sqrt(n / (n - 1)) * t_quantile(1 - ALPHA / 2, n - 1) / t_quantile(1 - ALPHA / 2, 10**9)
    return centre + wider * (matrix[:, _resamples(n)].mean(axis=2) - centre)


@lru_cache
def _resamples(n: int) -> Any:
    """Indices of resampled units, draws x n."""
    import numpy as np

    random = Random(0)
    return np.array([random.choices(range(n), k=n) for _ in range(RESAMPLES)])


def rank_intervals(units: Sequence[Sequence[float]], rising: bool) -> list[tuple[int, int]] | None:
    """The middle 95 % of each method's rank (1 is best) over resampled orders, of methods x orders; None for
    a single order."""
    import numpy as np

    if len(units[0]) < 2:
        return None
    drawn = resampled_means(units) * (1 if rising else -1)
    ranks = 1 + (drawn[None] > drawn[:, None]).sum(axis=1)
    ends = np.quantile(ranks, (ALPHA / 2, 1 - ALPHA / 2), axis=1, method="inverted_cdf")
    return [(int(low), int(high)) for low, high in ends.T]


def taus(means: Any, theirs: Any) -> Any:
    """Kendall's tau of each column of `means` with that of `theirs` (methods x draws, or one order):
    (concordant - discordant pairs) / all pairs (Kendall 1938; scipy's tau-b without ties)."""
    import numpy as np

    ours, others = np.asarray(means), np.asarray(theirs)
    first, second = np.triu_indices(len(ours), 1)
    return (np.sign(ours[first] - ours[second]) * np.sign(others[first] - others[second])).mean(axis=0)


def tau_interval(
    ours: Sequence[Sequence[float]], theirs: Sequence[tuple[float, float | None]], orders: int
) -> tuple[float, float] | None:
    """The middle 95 % of Kendall's tau between our means and published ones; None for a single order.

    `ours` is methods x orders, resampled; `theirs` are the published means and population standard
    deviations over runs of so many orders, drawn as mean + t std / sqrt(orders - 1): their seeds are not
    printed apart, so the order counts as the unit there too. If all draws agree, one swapped pair is added:
    finitely many orders never prove a ranking."""
    import numpy as np

    if len(ours[0]) < 2:
        return None
    random, freedom = Random(1), orders - 1
    normal = np.array([[random.gauss(0, 1) for _ in range(RESAMPLES)] for _ in theirs])
    chi = np.array([[random.gammavariate(freedom / 2, 2) for _ in range(RESAMPLES)] for _ in theirs])
    means, stds = (np.array([[one[k] or 0.0] for one in theirs]) for k in (0, 1))
    drawn = means + normal / np.sqrt(chi / freedom) * stds / sqrt(freedom)
    low, high = np.quantile(taus(resampled_means(ours), drawn), (ALPHA / 2, 1 - ALPHA / 2))
    swap = 4 / (len(ours) * (len(ours) - 1)) if high - low < STILL else 0.0
    return max(-1.0, float(low) - swap), min(1.0, float(high) + swap)


# Variance, ratios, noise ----------------------------------------------------------------------------------


class Shares(NamedTuple):
    """Shares of the variance of one task's number in one run; they add up to 1."""

    order: float
    seed: float
    task: float
    rest: float
    """Interactions: above all what an order does to one task and not to the others."""


def variance_shares(terms: Mapping[tuple[int, int, str], float]) -> Shares | None:
    """The variance components of (order, seed, task) -> number as shares, all three factors random and
    crossed: ANOVA estimators from mean squares, negative ones 0 (Searle, Casella & McCulloch 1992, ch. 4;
    Brennan 2001).

    Unlike shares of sums of squares they are not biased towards the factor with more levels. None without a
    full grid of at least two orders, seeds and tasks, or without variation."""
    import numpy as np

    orders, seeds = sorted({order for order, _, _ in terms}), sorted({seed for _, seed, _ in terms})
    tasks = sorted({task for _, _, task in terms})
    sizes = len(orders), len(seeds), len(tasks)
    if min(sizes) < 2 or len(terms) != sizes[0] * sizes[1] * sizes[2]:
        return None
    numbers = np.array([[[terms[o, s, t] for t in tasks] for s in seeds] for o in orders])
    if numbers.std() < STILL:
        return None
    components = _components(numbers)
    total = fsum(components.values())
    order, seed, task = (components[axes] / total for axes in ((0,), (1,), (2,)))
    return Shares(order, seed, task, max(0.0, 1 - order - seed - task))


def _components(numbers: Any) -> dict[tuple[int, ...], float]:
    """Axes of a crossed effect -> its variance component, at least 0, of an array without repetitions."""
    from itertools import combinations
    from math import prod

    every = tuple(range(numbers.ndim))
    subsets = [axes for size in range(numbers.ndim + 1) for axes in combinations(every, size)]
    effects: dict[tuple[int, ...], Any] = {}
    for axes in subsets:
        mean = numbers.mean(axis=tuple(set(every) - set(axes)), keepdims=True)
        effects[axes] = mean - sum(effects[inner] for inner in effects if set(inner) < set(axes))
    others = {axes: prod(numbers.shape[k] for k in every if k not in axes) for axes in subsets}
    squares = {
        axes: others[axes] * float((effects[axes] ** 2).sum()) / prod(numbers.shape[k] - 1 for k in axes)
        for axes in subsets[1:]
    }
    return {  # expected mean squares by inclusion and exclusion over the effects that contain this one
        axes: max(
            0.0,
            fsum(
                (-1) ** (len(larger) - len(axes)) * squares[larger]
                for larger in squares
                if {*axes} <= {*larger}
            )
            / others[axes],
        )
        for axes in squares
    }


class Ratio(NamedTuple):
    """A ratio of two means."""

    value: float
    interval: tuple[float, float] | None
    """None for a single unit."""
    n: int
    """Number of units."""


def ratio(
    numerators: Sequence[float], denominators: Sequence[float], level: float = 1 - ALPHA
) -> Ratio | None:
    """mean(numerators) / mean(denominators) of paired units, with Fieller's interval (Fieller 1954).

    None without a unit, and if the denominator's mean is not above 0 by its own interval: the ratio then has
    no finite interval and says nothing."""
    n = len(denominators)
    below = spread(denominators).mean if n else 0.0
    if below <= 0:
        return None
    value = spread(numerators).mean / below
    if n < 2:
        return Ratio(value, None, n)
    a, b = spread(numerators).mean, below
    centred = [(x - a, y - b) for x, y in zip(numerators, denominators, strict=True)]
    scale = t_quantile((1 + level) / 2, n - 1) ** 2 / (n * (n - 1))
    aa, bb, ab = (scale * fsum(v) for v in zip(*((x * x, y * y, x * y) for x, y in centred), strict=True))
    if b * b - bb <= 0:
        return None
    root = sqrt(max(0.0, (a * b - ab) ** 2 - (a * a - aa) * (b * b - bb)))
    return Ratio(value, ((a * b - ab - root) / (b * b - bb), (a * b - ab + root) / (b * b - bb)), n)


@lru_cache
def expected_maximum(n: int) -> float:
    """The expectation of the largest of n independent standard normal numbers (Harter 1961): the integral of
    1 - F(x)^n above 0 less that of F(x)^n below."""
    import numpy as np
    from scipy.special import ndtr

    x, step = np.linspace(0, 9, 9001, retstep=True)
    heights = 1 - ndtr(x) ** n - ndtr(-x) ** n
    return float(step * (heights.sum() - heights[0] / 2))  # trapezoids; the last height is 0


def cell_noise(histories: Sequence[Sequence[float]]) -> float | None:
    """The standard deviation of what a cell shows for one model only: noise that is gone at the next task.

    `histories` are the scores of single tasks over the models since they were learned, each of one run. They
    are read as a wandering level plus noise: what stays is change, what reverts is noise, and minus the
    covariance of successive steps is the noise's variance (Harvey 1989, section 2.4.3: the local level
    model). The mean step at every distance from the learning is removed first, because forgetting begins
    steeply. None without two steps of two histories; 0 if steps do not revert."""
    import numpy as np

    steps = [np.diff(history) for history in histories if len(history) > 2]
    products, freedom = 0.0, 0
    for lag in range(max(map(len, steps), default=0) - 1):
        pairs = np.array([step[lag : lag + 2] for step in steps if len(step) > lag + 1])
        if len(pairs) > 1:
            products += float(np.prod(pairs - pairs.mean(axis=0), axis=1).sum())
            freedom += len(pairs) - 1
    return sqrt(max(0.0, -products / freedom)) if freedom else None


def forgetting_floor(noise: float, tasks: int) -> float:
    """The average forgetting that cells with this noise show if nothing is forgotten: the mean over tasks of
    noise x the expected maximum of the task's cells, because the largest of several noisy cells lies above
    the last one."""
    return noise * fsum(expected_maximum(cells) for cells in range(1, tasks + 1)) / tasks
