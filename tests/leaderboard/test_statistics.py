"""Statistics against scipy and against textbook numbers."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.leaderboard.statistics import (
    EXACT_UP_TO,
    holm,
    interval,
    least_p,
    paired,
    sign_flip_p,
    spread,
    variance_shares,
)

values = st.lists(st.floats(-1, 1), min_size=1, max_size=7)


@settings(max_examples=50, deadline=None)
@given(values)
def test_spread_is_population(listed: list[float]) -> None:
    import numpy as np

    assert spread(listed) == (
        pytest.approx(np.mean(listed), abs=1e-12),
        pytest.approx(np.std(listed), abs=1e-9),
        len(listed),
    )


def test_interval_is_students() -> None:
    from scipy import stats

    sample = [0.1, 0.4, 0.35, 0.8]
    expected = stats.t.interval(0.95, 3, loc=stats.tmean(sample), scale=stats.sem(sample))
    assert interval(sample) == pytest.approx(expected)
    assert interval([0.3]) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
def test_sign_flip_counts_all_flips(differences: list[int]) -> None:
    seen = abs(sum(differences))
    flips = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    assert sign_flip_p(differences) == pytest.approx(sum(f >= seen for f in flips) / len(flips))


def test_sign_flip_extremes() -> None:
    assert sign_flip_p([0.1 * k for k in range(1, 9)]) == 2 / 2**8
    assert sign_flip_p([0.0, 0.0]) == 1
    assert sign_flip_p([0.1] * 3 + [0.2] * 20) < 0.001


def test_holm_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("n", [1, 2, 5, 8])
@pytest.mark.parametrize("compared", [1, 3, 40])
def test_least_p_is_that_of_differences_of_one_sign(n: int, compared: int) -> None:
    same_sign = [0.1 * (k + 1) for k in range(n)]
    assert least_p(n, compared) == pytest.approx(min(holm([sign_flip_p(same_sign)] * compared)))


def test_wilcoxon_binds_nothing() -> None:
    assert least_p(EXACT_UP_TO + 1, 3) == 0


def test_paired_uses_shared_runs_only() -> None:
    ours, theirs = {(0, 0): 0.5, (0, 5): 0.6, (5, 0): 9.0}, {(0, 0): 0.4, (0, 5): 0.4, (10, 0): -9.0}
    difference = paired(ours, theirs)
    assert difference is not None
    assert (difference.mean, difference.n, difference.p) == (pytest.approx(0.15), 2, 0.5)
    assert paired(ours, {(7, 7): 0.1}) is None


def test_variance_shares_add_up() -> None:
    by_order = {(o, s): float(o) for o in (0, 5) for s in (0, 5)}
    assert variance_shares(by_order) == (1, 0, 0)
    mixed = {(o, s): o + 0.5 * s + o * s for o in (0, 1, 2) for s in (0, 1)}
    assert sum(variance_shares(mixed) or ()) == pytest.approx(1)


@pytest.mark.parametrize(
    "runs", [{}, {(0, 0): 1.0}, {(0, 0): 1.0, (5, 0): 2.0}, {(o, s): 1.0 for o in (0, 5) for s in (0, 5)}]
)
def test_variance_shares_need_a_grid_that_varies(runs: dict) -> None:
    assert variance_shares(runs) is None
