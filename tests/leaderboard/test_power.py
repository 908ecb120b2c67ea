"""Power against scipy's noncentral t and simulation."""

from itertools import product
from math import sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.power import (
    comparison,
    orders_needed,
    resolution,
    resolved,
    std_limits,
    with_seeds,
)
from cbench.leaderboard.statistics import ALPHA, deviation, directions, t_quantile
from cbench.leaderboard.table import Column, build_table

SCORE = Column("average_score", "mini_dino")


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


@pytest.mark.parametrize("orders", [3, 4, 8, 12, 40])
def test_a_resolved_difference_has_power_80(orders: int) -> None:
    from scipy.stats import nct

    shift, critical = resolved(0.3, orders) / 0.3 * sqrt(orders), t_quantile(0.975, orders - 1)
    found = nct.sf(critical, orders - 1, shift) + nct.cdf(-critical, orders - 1, shift)
    assert found == pytest.approx(0.8, abs=0.003)


@pytest.mark.parametrize("orders", [4, 8, 12])
def test_simulated_power(orders: int) -> None:
    """Of the tests that the board uses: Student's below seven orders, flips from there on."""
    draws = np.random.RandomState(orders).normal(size=(4000, orders)) + resolved(1.0, orders)
    if orders < 7:
        t = draws.mean(axis=1) / draws.std(axis=1, ddof=1) * sqrt(orders)
        found = (abs(t) > t_quantile(1 - ALPHA / 2, orders - 1)).mean()
    else:
        sums = abs(draws @ directions(tuple(range(orders))).T)
        found = ((sums >= sums[:, :1] - 1e-9).mean(axis=1) < ALPHA).mean()
    print(f"orders {orders}: power {found:.3f}")
    assert 0.75 < found < 0.83


@settings(max_examples=50, deadline=None)
@given(st.floats(0.01, 2), st.floats(0.01, 1))
def test_needed_is_the_fewest(difference: float, std: float) -> None:
    orders = orders_needed(difference, std)
    if orders is None:
        assert resolved(std, 1000) > difference
    else:
        assert resolved(std, orders) <= difference
        assert orders == 2 or resolved(std, orders - 1) > difference
    assert orders_needed(0.0, std) is None


def test_limits_of_a_standard_deviation_cover() -> None:
    stds = np.random.RandomState(0).normal(size=(4000, 4)).std(axis=1, ddof=1)
    inside = [low <= 1 <= high for low, high in (std_limits(float(s), 4) for s in stds)]
    assert np.mean(inside) == pytest.approx(0.8, abs=0.02)


def test_more_seeds_of_an_order_average_their_part_alone() -> None:
    random = np.random.RandomState(1)
    between = 0.3 * random.normal(size=(2000, 1))
    numbers = between + 0.6 * random.normal(size=(2000, 2))
    runs = {(o, s): float(numbers[o, s]) for o, s in product(range(2000), (0, 1))}
    for seeds in (1, 2, 8):
        assert with_seeds(runs, seeds) == pytest.approx(sqrt(0.3**2 + 0.6**2 / seeds), rel=0.05)
    assert with_seeds(runs, 2) == pytest.approx(deviation(numbers.mean(axis=1).tolist()))
    single = {(o, 0): float(numbers[o, 0]) for o in range(5)}
    assert with_seeds(single, 1) is not None and with_seeds(single, 2) is None
    assert with_seeds({(0, 0): 0.1, (0, 1): 0.2}, 2) is None


def test_comparison_of_records(records: SimpleNamespace) -> None:
    board = board_of(records.grid(orders=(0, 5, 10, 42)))
    found = comparison(board, SCORE, "merge_init", "naive")
    assert found is not None
    assert (found.orders, found.seeds) == (4, 2)
    assert found.std == pytest.approx(deviation(list(found.difference.by_order.values())))
    assert found.resolves == pytest.approx(resolved(found.std, 4))
    assert found.needed is not None and found.limits[0] <= found.needed <= found.limits[1]
    assert found.hours == 0  # clear already
    one_seed = comparison(board, SCORE, "merge_init", "magmax", seeds=1)
    assert one_seed is not None and one_seed.std > 0
    assert comparison(board_of(records.grid(orders=(0,))), SCORE, "merge_init", "naive") is None


def test_hours_are_those_of_the_records(records: SimpleNamespace) -> None:
    """165 seconds a run, two methods, two seeds, for every order that is missing."""
    alike = records.grid(("naive",)) + [
        r.model_copy(update={"method": r.method.model_copy(update={"name": "twin"})})
        for r in records.grid(("naive",), orders=(0, 5), seeds=(0, 5))
    ]
    shifted = [
        r.model_copy(update={"scores": records.grid(("naive",))[k % 4].scores}) for k, r in enumerate(alike)
    ]
    assert comparison(board_of(shifted), SCORE, "naive", "twin") is None  # no difference at all
    board = board_of(records.grid(orders=(0, 5, 10)))
    found = comparison(board, Column("average_forgetting", "mini_dino"), "naive", "merge_init", 2, 1e-6)
    assert found is not None and found.needed is not None and found.needed > 3
    assert found.hours == pytest.approx((found.needed - 3) * 2 * 2 * 165 / 3600)
    more = comparison(board, Column("average_forgetting", "mini_dino"), "naive", "merge_init", 4, 1e-6)
    assert more is not None and more.needed is not None
    assert more.hours == pytest.approx((more.needed * 4 - 3 * 2) * 2 * 165 / 3600)  # older orders get seeds


def test_resolution_pools_the_methods_of_a_column(records: SimpleNamespace) -> None:
    table = build_table(board_of(records.grid(orders=(0, 5, 10, 42))))
    found = resolution(table, SCORE, "naive")
    assert found is not None and found.orders == 4
    by_label = {row.label: row.values[SCORE] for row in table.rows}

    def std(label: str) -> float:
        gaps = {run: by_label[label][run] - by_label["naive"][run] for run in by_label["naive"]}
        return float(np.std([(gaps[o, 0] + gaps[o, 5]) / 2 for o in (0, 5, 10, 42)], ddof=1))

    pooled = sqrt((std("merge_init") ** 2 + std("magmax") ** 2) / 2)
    assert (found.std, found.difference) == (pytest.approx(pooled), pytest.approx(resolved(pooled, 4)))
    assert resolution(table, SCORE, "absent") is None
