"""The stop rule against published boundaries and simulation."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.leaderboard.stop_rule import plan, spent


def test_boundaries_are_the_published_ones() -> None:
    """Two-sided 0.05, four and three equal looks (Lan and DeMets' program; Jennison & Turnbull 2000)."""
    from scipy.stats import norm

    four = [norm.isf(look.p / 2) for look in plan((5, 10, 15, 20))]
    assert four == pytest.approx([4.3326, 2.9631, 2.3590, 2.0141], abs=2e-3)
    assert [norm.isf(look.p / 2) for look in plan((4, 8, 12))] == pytest.approx(
        [3.7103, 2.5114, 1.9930], abs=2e-3
    )


def test_a_single_look_spends_all_at_once() -> None:
    (look,) = plan((12,))
    assert (look.orders, look.spent, look.p) == (12, pytest.approx(0.05), pytest.approx(0.05))


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(2, 60), min_size=1, max_size=5))
def test_what_is_spent_rises_to_the_level(orders: set[int]) -> None:
    looks = plan(tuple(sorted(orders)))
    assert [look.spent for look in looks] == sorted(look.spent for look in looks)
    assert looks[-1].spent == pytest.approx(0.05)
    assert all(0 < look.p <= look.spent + 1e-9 for look in looks)
    assert spent(1.0, 0.01) == pytest.approx(0.01)


@pytest.mark.parametrize("orders", [(4, 8, 12), (2, 4, 6, 8), (6, 12), (4, 6, 8, 10, 12)])
def test_simulated_size_of_looking_repeatedly(orders: tuple[int, ...]) -> None:
    """No difference, a t test at each look: the rule keeps the level, looking at 0.05 each time does not."""
    from scipy.special import stdtr

    draws = np.random.RandomState(sum(orders)).normal(size=(40_000, orders[-1]))
    p_values = []
    for n in orders:
        seen = draws[:, :n]
        t = seen.mean(axis=1) / seen.std(axis=1, ddof=1) * sqrt(n)
        p_values.append(2 * stdtr(n - 1, -abs(t)))
    stopped = np.any([p <= look.p for p, look in zip(p_values, plan(orders), strict=True)], axis=0).mean()
    careless = (np.min(p_values, axis=0) < 0.05).mean()
    print(f"looks {orders}: size {stopped:.4f}, looking at 0.05 each time {careless:.4f}")
    assert 0.04 < stopped < 0.06
    assert careless > 0.075


@pytest.mark.parametrize("orders", [(), (1, 4), (4, 4), (8, 4)])
def test_looks_must_rise(orders: tuple[int, ...]) -> None:
    with pytest.raises(BadInput, match="name rising numbers of orders"):
        plan(orders)
