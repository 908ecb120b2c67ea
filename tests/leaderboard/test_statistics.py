"""Statistics against scipy, slow definitions and simulation."""

from collections.abc import Iterator
from itertools import product
from math import sqrt
from statistics import fmean

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cbench.leaderboard import statistics
from cbench.leaderboard.statistics import (
    ALPHA,
    EXACT_UP_TO,
    FEWEST_FLIPPED,
    ROTATIONS,
    cell_noise,
    expected_maximum,
    forgetting_floor,
    interval,
    least_p,
    order_means,
    paired,
    rank_intervals,
    ratio,
    resampled_means,
    single_p,
    spread,
    step_down,
    t_interval,
    t_test,
    tau_interval,
    taus,
    variance_shares,
)

values = st.lists(st.floats(-1, 1), min_size=1, max_size=7)
runs = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 3)), st.floats(-1, 1), min_size=1)


@settings(max_examples=50, deadline=None)
@given(values)
def test_spread_is_population(listed: list[float]) -> None:
    assert spread(listed) == (
        pytest.approx(np.mean(listed), abs=1e-12),
        pytest.approx(np.std(listed), abs=1e-9),
        len(listed),
    )


@settings(max_examples=50, deadline=None)
@given(runs)
def test_seeds_are_averaged_within_an_order(numbers: dict) -> None:
    orders = sorted({order for order, _ in numbers})
    slow = {order: fmean(v for (o, _), v in numbers.items() if o == order) for order in orders}
    assert order_means(numbers) == {order: pytest.approx(mean, abs=1e-12) for order, mean in slow.items()}
    assert interval(numbers) == t_interval(list(order_means(numbers).values()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12))
def test_interval_and_test_are_students(units: list[float]) -> None:
    from scipy import stats

    assume(np.std(units) > 1e-4)
    expected = stats.t.interval(0.95, len(units) - 1, loc=np.mean(units), scale=stats.sem(units))
    assert t_interval(units) == pytest.approx(expected)
    assert t_test(units) == pytest.approx(stats.ttest_1samp(units, 0).pvalue)


def test_no_interval_has_width_zero() -> None:
    assert t_interval([0.3]) is None
    assert t_interval([0.3, 0.3, 0.3 + 1e-9]) is None
    assert interval({(0, 0): 0.1, (0, 5): 0.9}) is None
    assert t_test([0.3]) == 1
    assert t_test([0.0, 0.0]) == 1
    assert t_test([0.5, 0.5]) == 0


# Tests of many differences --------------------------------------------------------------------------------


def slow_step_down(differences: list[dict[int, float]]) -> list[float]:
    """Westfall and Young's definition, written out over all flips."""
    orders = sorted({order for one in differences for order in one})

    def statistic(one: dict[int, float], flip: dict[int, int]) -> float:
        length = sqrt(sum(d * d for d in one.values()))
        return abs(sum(flip[order] * d for order, d in one.items())) / length if length else 0.0

    every = [dict(zip(orders, signs, strict=True)) for signs in product((1, -1), repeat=len(orders))]
    seen = [statistic(one, every[0]) for one in differences]
    ranked, p_values, before = sorted(range(len(seen)), key=lambda k: -seen[k]), [1.0] * len(seen), 0.0
    for rank, k in enumerate(ranked):
        rest = ranked[rank:]
        reached = [max(statistic(differences[j], flip) for j in rest) >= seen[k] - 1e-9 for flip in every]
        before = max(before, fmean(reached))
        p_values[k] = before if any(differences[k].values()) else 1.0
    return p_values


whole = st.integers(-4, 4).map(float)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(whole, min_size=7, max_size=7), min_size=1, max_size=4), st.booleans())
def test_step_down_is_its_definition(rows: list[list[float]], unequal: bool) -> None:
    differences = [dict(enumerate(row)) for row in rows]
    if unequal and len(differences) > 1:
        del differences[-1][2]
    assert step_down(differences) == pytest.approx(slow_step_down(differences))


@settings(max_examples=25, deadline=None)
@given(st.lists(whole, min_size=FEWEST_FLIPPED, max_size=9))
def test_a_single_difference_is_flipped_exactly(row: list[float]) -> None:
    """Against scipy's permutation test of paired samples."""
    from scipy.stats import permutation_test

    assume(any(row))
    exact = permutation_test((row,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert single_p(dict(enumerate(row))) == pytest.approx(min(1.0, exact.pvalue))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=FEWEST_FLIPPED - 1))
def test_rotations_of_a_single_difference_are_students_test(units: list[float]) -> None:
    assume(np.std(units) > 1e-3)
    p = t_test(units)
    error = 4 * sqrt(p * (1 - p) / ROTATIONS) + 2 / ROTATIONS
    assert step_down([dict(enumerate(units))])[0] == pytest.approx(p, abs=error)
    assert single_p(dict(enumerate(units))) == p


def test_correction_is_at_least_the_single_p_and_copies_cost_nothing() -> None:
    one = {order: 0.1 + 0.01 * order for order in range(8)}
    other = {order: (-1) ** order * 0.1 + 0.01 for order in range(8)}
    assert step_down([one, one, one]) == pytest.approx([single_p(one)] * 3)
    together = step_down([one, other])
    assert all(p >= single_p(d) for p, d in zip(together, (one, other), strict=True))
    assert step_down([]) == [] and step_down([{}, {0: 0.0}]) == [1.0, 1.0]


@pytest.mark.parametrize("orders", [1, 2, 4, 7, 8, 12, EXACT_UP_TO, EXACT_UP_TO + 1])
def test_least_p_is_that_of_the_clearest_difference(orders: int) -> None:
    p = max(step_down([dict.fromkeys(range(orders), 0.5 + k) for k in range(3)]))
    assert least_p(orders) <= p <= (1 if orders <= EXACT_UP_TO else 4) * least_p(orders)  # drawn ones repeat


def test_blocks_leave_missing_orders_missing() -> None:
    """A method with two of four orders has 0 in the others in every rotation, and cannot reach a small p by
    the other method's orders."""
    full, half = {0: 1.0, 1: 1.1, 2: 0.9, 3: 1.05}, {0: 1.0, 1: 1.3}
    p_full, p_half = step_down([full, half])
    assert p_full < 0.02 < p_half


@pytest.fixture
def few_rotations(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A drawn test has its exact size with any number of draws."""
    monkeypatch.setattr(statistics, "ROTATIONS", 1000)
    statistics.directions.cache_clear()
    yield
    statistics.directions.cache_clear()


def simulated(correlation: float, orders: int, methods: int, draws: int) -> np.ndarray:
    """Differences from a reference that differs in nothing, draws x orders x (methods x 2 columns): two seeds
    of an order are correlated and averaged, and the second column resembles the first."""
    random = np.random.RandomState(orders * 1000 + int(correlation * 10))
    shape = (draws, orders, methods + 1, 2)
    between, within = random.normal(size=shape), random.normal(size=(2, *shape)).mean(axis=0)
    scores = sqrt(correlation) * between + sqrt(1 - correlation) * within
    scores[..., 1] = 0.8 * scores[..., 0] + 0.6 * scores[..., 1]
    return (scores[:, :, 1:] - scores[:, :, :1]).reshape(draws, orders, -1)


def smallest_p(gaps: np.ndarray) -> np.ndarray:
    """The smallest p of `step_down` for each draw of draws x orders x differences, for all draws at once."""
    orders = gaps.shape[1]
    weights = statistics.directions(tuple(range(orders)) if orders >= FEWEST_FLIPPED else (0,) * orders)
    units = gaps / np.linalg.norm(gaps, axis=1, keepdims=True)
    parts = np.array_split(units, max(1, len(units) * len(weights) // 10**6))
    largest = (abs(np.einsum("wo,rod->rwd", weights, part, optimize=True)).max(axis=2) for part in parts)
    return np.concatenate([(one >= one[:, :1] - 1e-9).mean(axis=1) for one in largest])


@pytest.mark.usefixtures("few_rotations")
@pytest.mark.parametrize("orders", [4, 8, 12])
@pytest.mark.parametrize("correlation", [0.0, 0.4, 0.8])
def test_simulated_size(orders: int, correlation: float) -> None:
    """Any false mark among four methods and two columns, and of one difference alone, at nominal 0.05."""
    gaps = simulated(correlation, orders, 4, 4000)
    p_values = smallest_p(gaps)
    for gap, p in zip(gaps[:20], p_values, strict=False):
        assert min(step_down([dict(enumerate(column)) for column in gap.T])) == pytest.approx(p)
    family, single = (p_values < ALPHA).mean(), (smallest_p(gaps[:, :, :1]) < ALPHA).mean()
    print(f"orders {orders}, correlation {correlation}: family {family:.4f}, one {single:.4f}")
    assert 0.04 < family < 0.06
    assert 0.04 < single < 0.06


@pytest.mark.parametrize(("correlation", "least"), [(0.0, 0.04), (0.4, 0.09), (0.8, 0.13)])
def test_runs_as_units_would_be_wrong(correlation: float, least: float) -> None:
    """Why the order is the unit: flips of all eight runs of four orders find differences that are not
    there."""
    random = np.random.RandomState(5)
    between, within = random.normal(size=(3000, 4, 1)), random.normal(size=(3000, 4, 2))
    runs = sqrt(correlation) * between + sqrt(1 - correlation) * within
    signs = np.array(list(product((1, -1), repeat=8)))
    sums = abs(runs.reshape(3000, 8) @ signs.T)
    size = ((sums >= sums[:, :1] - 1e-9).mean(axis=1) < ALPHA).mean()
    print(f"runs as units, correlation {correlation}: {size:.4f}")
    assert size > least


def test_marks_have_power_where_a_correction_of_each_would_not() -> None:
    """Seven methods, eight orders: Holm's smallest p is 7 x 2 / 2^8 > 0.05; max-T keeps 2^-7."""
    clear = [{order: 1 + 0.01 * order * k for order in range(8)} for k in range(7)]
    assert max(step_down(clear)) == 2**-7 < 0.05 < 7 * 2 / 2**8


def test_paired_uses_shared_runs_only() -> None:
    ours, theirs = {(0, 0): 0.5, (0, 5): 0.6, (5, 0): 9.0}, {(0, 0): 0.4, (0, 5): 0.4, (10, 0): -9.0}
    difference = paired(ours, theirs)
    assert difference is not None
    assert (difference.by_order, difference.n) == ({0: pytest.approx(0.15)}, 2)
    assert (difference.mean, difference.p, difference.interval) == (pytest.approx(0.15), 1.0, None)
    assert paired(ours, {(7, 7): 0.1}) is None


# Resampled orders -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("orders", [4, 8, 12])
def test_resampled_means_match_students_interval(orders: int) -> None:
    units = np.random.RandomState(orders).normal(size=orders)
    low, high = np.quantile(resampled_means([units])[0], (0.025, 0.975))
    expected = t_interval(list(units))
    assert expected is not None
    assert (high - low) / (expected[1] - expected[0]) == pytest.approx(1, abs=0.15)


def test_rank_intervals() -> None:
    clear = [[0.1, 0.11, 0.12, 0.1], [0.9, 0.91, 0.9, 0.92], [0.5, 0.52, 0.51, 0.5]]
    assert rank_intervals(clear, rising=True) == [(3, 3), (1, 1), (2, 2)]
    assert rank_intervals(clear, rising=False) == [(1, 1), (3, 3), (2, 2)]
    noisy = [[0.1, 0.9, 0.2, 0.8], [0.5, 0.5, 0.6, 0.5]]
    assert rank_intervals(noisy, rising=True) == [(1, 2), (1, 2)]
    assert rank_intervals([[0.1], [0.2]], rising=True) is None


def test_rank_intervals_cover_the_true_rank() -> None:
    random, hits = np.random.RandomState(3), 0
    for _ in range(200):
        units = random.normal(size=(3, 6)) + np.array([[0.0], [0.7], [1.4]])
        found = rank_intervals(units.tolist(), rising=True)
        assert found is not None
        hits += sum(low <= true <= high for (low, high), true in zip(found, (3, 2, 1), strict=True))
    assert hits / 600 > 0.93


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(5)), st.permutations(range(5)))
def test_taus_are_kendalls(ours: list[int], theirs: list[int]) -> None:
    from scipy.stats import kendalltau

    expected = kendalltau(ours, theirs).statistic
    assert float(taus([[v] for v in ours], [[v] for v in theirs])[0]) == pytest.approx(expected)


def test_tau_interval_is_never_of_width_zero() -> None:
    clear = [[0.1, 0.11, 0.1, 0.12], [0.5, 0.51, 0.52, 0.5], [0.9, 0.91, 0.9, 0.92]]
    assert tau_interval(clear, [(0.1, 0.001), (0.5, 0.001), (0.9, None)], 4) == (pytest.approx(1 / 3), 1)
    assert tau_interval([[0.1], [0.2], [0.3]], [(0.1, 0.1)] * 3, 4) is None


def test_tau_interval_draws_the_published_spread_too() -> None:
    clear = [[0.1, 0.11, 0.1, 0.12], [0.5, 0.51, 0.52, 0.5], [0.9, 0.91, 0.9, 0.92]]
    wide = tau_interval(clear, [(0.1, 0.5), (0.5, 0.5), (0.9, 0.5)], 4)
    assert wide is not None and wide[0] < 0


# Variance, ratios, noise ----------------------------------------------------------------------------------


def full(effect: object, orders: int = 4, seeds: int = 3, tasks: int = 5) -> dict:
    cells = product(range(orders), range(seeds), range(tasks))
    return {(o, s, f"t{t}"): effect(o, s, t) for o, s, t in cells}  # type: ignore[operator]


def test_shares_of_pure_effects() -> None:
    assert variance_shares(full(lambda o, s, t: float(o))) == pytest.approx((1, 0, 0, 0))
    assert variance_shares(full(lambda o, s, t: float(s))) == pytest.approx((0, 1, 0, 0))
    assert variance_shares(full(lambda o, s, t: float(t))) == pytest.approx((0, 0, 1, 0))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_components_are_those_of_the_textbook(seed: int) -> None:
    """Mean squares of the three-way crossed design, written out."""
    y = np.random.RandomState(seed).normal(size=(4, 3, 5)) + np.arange(5)
    orders, seeds, tasks = y.shape

    def over(*axes: int) -> np.ndarray:
        return y.mean(axis=tuple({0, 1, 2} - set(axes)), keepdims=True)

    m, o, s, t, os, ot, st_ = (over(*a) for a in ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)))
    ms = {
        "o": seeds * tasks * ((o - m) ** 2).sum() / (orders - 1),
        "s": orders * tasks * ((s - m) ** 2).sum() / (seeds - 1),
        "t": orders * seeds * ((t - m) ** 2).sum() / (tasks - 1),
        "os": tasks * ((os - o - s + m) ** 2).sum() / ((orders - 1) * (seeds - 1)),
        "ot": seeds * ((ot - o - t + m) ** 2).sum() / ((orders - 1) * (tasks - 1)),
        "st": orders * ((st_ - s - t + m) ** 2).sum() / ((seeds - 1) * (tasks - 1)),
        "ost": ((y - os - ot - st_ + o + s + t - m) ** 2).sum() / ((orders - 1) * (seeds - 1) * (tasks - 1)),
    }
    main = [
        max(0, (ms["o"] - ms["os"] - ms["ot"] + ms["ost"]) / (seeds * tasks)),
        max(0, (ms["s"] - ms["os"] - ms["st"] + ms["ost"]) / (orders * tasks)),
        max(0, (ms["t"] - ms["ot"] - ms["st"] + ms["ost"]) / (orders * seeds)),
    ]
    rest = [max(0, (ms[k] - ms["ost"]) / n) for k, n in (("os", tasks), ("ot", seeds), ("st", orders))] + [
        ms["ost"]
    ]
    shares = variance_shares(full(lambda i, j, k: y[i, j, k], *y.shape))
    assert shares is not None
    assert shares[:3] == pytest.approx(tuple(v / (sum(main) + sum(rest)) for v in main))
    assert sum(shares) == pytest.approx(1)


def test_noise_alone_is_no_effect_of_the_order() -> None:
    """Shares of sums of squares would give the order 3 of 39 degrees of freedom of nothing."""
    noises = np.random.RandomState(0).normal(size=(300, 4, 3, 5))
    shares = [variance_shares(full(lambda o, s, t, y=y: y[o, s, t])) for y in noises]
    assert fmean(share.order for share in shares if share) < 0.05


@pytest.mark.parametrize(
    "terms", [{}, {(0, 0, "a"): 1.0}, full(lambda o, s, t: 1.0), full(lambda o, s, t: o, 4, 1)]
)
def test_shares_need_a_grid_that_varies(terms: dict) -> None:
    assert variance_shares(terms) is None


def test_ratio_of_means_has_fiellers_interval() -> None:
    """The interval's ends are the ratios r for which the mean of a - r b is just not told from 0."""
    a, b = [0.21, 0.30, 0.25, 0.34], [0.40, 0.55, 0.49, 0.52]
    quotient = ratio(a, b)
    assert quotient is not None and quotient.interval is not None
    assert quotient.value == pytest.approx(sum(a) / sum(b))
    for end in quotient.interval:
        assert t_test([x - end * y for x, y in zip(a, b, strict=True)]) == pytest.approx(ALPHA)
    assert quotient.interval[0] < quotient.value < quotient.interval[1]


def test_a_ratio_without_a_denominator_says_nothing() -> None:
    assert ratio([0.1, 0.2], [-0.1, 0.05]) is None
    assert ratio([0.1, 0.2, 0.1], [0.3, -0.2, 0.1]) is None
    assert ratio([], []) is None
    assert ratio([0.1], [0.2]) == (0.5, None, 1)


def test_fiellers_interval_covers() -> None:
    random = np.random.RandomState(1)
    b = 0.5 + 0.1 * random.normal(size=(2000, 4))
    a = 0.6 * b + 0.05 * random.normal(size=(2000, 4))
    found = [ratio(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    inside = [q.interval[0] <= 0.6 <= q.interval[1] for q in found if q and q.interval]
    assert fmean(inside) == pytest.approx(0.95, abs=0.015)


HARTER = {1: 0.0, 2: 0.56419, 3: 0.84628, 5: 1.16296, 10: 1.53875}


@pytest.mark.parametrize("n", HARTER)
def test_expected_maximum_is_the_table(n: int) -> None:
    """Harter's table of normal order statistics."""
    assert expected_maximum(n) == pytest.approx(HARTER[n], abs=1e-5)


def test_noise_is_told_from_drift() -> None:
    random = np.random.RandomState(2)
    drift = np.cumsum(0.05 * random.normal(size=(400, 10)), axis=1) - 0.1 * np.arange(10) ** 0.5
    noisy = drift + 0.08 * random.normal(size=drift.shape)
    assert cell_noise(noisy.tolist()) == pytest.approx(0.08, rel=0.1)
    assert (cell_noise(drift.tolist()) or 0) < 0.02
    assert cell_noise([[0.1, 0.2]]) is None and cell_noise([]) is None


def test_floor_is_the_forgetting_of_noise() -> None:
    """Streams of ten tasks in which nothing is forgotten."""
    random = np.random.RandomState(4)
    streams = [[0.5 + 0.05 * random.normal(size=10 - j) for j in range(10)] for _ in range(400)]
    shown = fmean(max(row) - row[-1] for stream in streams for row in stream)
    noise = cell_noise([row.tolist() for stream in streams for row in stream])
    assert noise == pytest.approx(0.05, rel=0.05)
    assert forgetting_floor(noise, 10) == pytest.approx(shown, rel=0.05)


def test_rounding_of_another_machine_is_no_difference():
    """Two processors differ by some 1e-6 in a number that no training has touched."""
    noise = {0: 1.1e-6, 5: 1.2e-6, 10: 1.15e-6, 42: 1.12e-6}
    assert t_test(list(noise.values())) == 1.0
    assert step_down([noise, {order: 0.1 + 0.01 * order for order in noise}])[0] == 1.0
