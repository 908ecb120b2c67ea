"""The Pareto front and the matrices of the board."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from cbench.leaderboard.board.charts import matrices, pareto
from cbench.leaderboard.collect import Entry

points = st.dictionaries(st.text("abcdef", min_size=1), st.tuples(*[st.floats(-1, 1)] * 2), min_size=1)


@given(points)
def test_front_is_what_nothing_dominates(points: dict) -> None:
    front = pareto(points, "higher")
    for label, (x, y) in points.items():
        dominated = any(a <= x and b >= y and (a, b) != (x, y) for a, b in points.values())
        assert (label in front) != dominated


@given(points)
def test_a_lower_score_is_better_if_the_metric_says_so(points: dict) -> None:
    negated = {label: (x, -y) for label, (x, y) in points.items()}
    assert pareto(points, "higher") == pareto(negated, "lower")


def test_matrices_average_seeds_and_keep_orders_apart(records: SimpleNamespace) -> None:
    runs = {(o, s): records.make_record(order=o, seed=s) for o in (0, 5) for s in (0, 1)}
    by_order = matrices(Entry(runs[0, 0].method, runs, {}), "mini_dino")
    one, two = (runs[5, s].scores["mini_dino"].rows[2][1] for s in (0, 1))
    assert by_order.keys() == {"0", "5"} and by_order["5"]["seeds"] == 2
    assert by_order["5"]["tasks"] == list(runs[5, 0].tasks)
    assert abs(by_order["5"]["rows"][2][1] - (one + two) / 2) < 1e-12
