"""Tolerances from the spread of runs."""

import pytest

from cbench.leaderboard.tolerance import FLOOR, tolerance


def test_tolerance_pools_the_seeds_of_an_order() -> None:
    values = {(0, 0): 0.50, (0, 5): 0.51, (5, 0): 0.90, (5, 5): 0.91}
    assert tolerance(values, 1) == pytest.approx(3 * 0.01 / 2**0.5)


def test_tolerance_falls_back_to_orders_then_to_the_bound() -> None:
    assert tolerance({(0, 0): 0.50, (5, 0): 0.51}, 1) == pytest.approx(3 * 0.01 / 2**0.5)
    assert tolerance({(0, 0): 0.50}, 0.05) == 0.05


def test_tolerance_is_never_looser_than_the_bound_nor_tighter_than_the_floor() -> None:
    assert tolerance({(0, 0): 0.1, (0, 5): 0.9}, 0.05) == 0.05
    assert tolerance({(0, 0): 0.5, (0, 5): 0.5}, 0.05) == FLOOR
