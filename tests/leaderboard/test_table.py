"""Rows, ranks and differences."""

from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.statistics import step_down
from cbench.leaderboard.table import (
    Column,
    build_table,
    differences,
    places,
    sort_names,
    sorted_board,
    tie_groups,
)
from cbench.record.record import Scores

SCORE, FORGETTING = Column("average_score", "mini_dino"), Column("average_forgetting", "mini_dino")

ORDERS = (0, 5, 10, 42)
ONES = tuple((1.0,) * (i + 1) for i in range(4))


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_columns_are_the_published_ones(records: SimpleNamespace) -> None:
    titles = [c.title for c in build_table(board_of(records.grid())).columns]
    assert titles == [
        "score mini_clip_i ↑",
        "score mini_dino ↑",
        "forgetting mini_clip_i ↓",
        "forgetting mini_dino ↓",
    ]


def test_base_is_first_never_ranked_and_forgets_nothing(records: SimpleNamespace) -> None:
    made = build_table(board_of(records.grid()))
    assert made.rows[0].label == "base"
    assert FORGETTING not in made.rows[0].cells
    assert "base" not in places(made.rows, SCORE)


def numbers(rows: list, column: Column) -> dict[str, int]:
    """The places without their ranks."""
    return {label: place.place for label, place in places(rows, column).items()}


def test_groups_that_can_be_told_apart(records: SimpleNamespace) -> None:
    made = build_table(board_of(records.grid(orders=ORDERS)))
    assert numbers(made.rows, SCORE) == {"merge_init": 1, "naive": 2, "magmax": 3}
    assert {label: place.group for label, place in places(made.rows, FORGETTING).items()} == {
        "magmax": 1,
        "merge_init": 2,
        "naive": 3,
    }
    assert places(made.rows, SCORE)["merge_init"].ranks == (1, 1)


def test_what_cannot_be_told_apart_shares_a_place(records: SimpleNamespace) -> None:
    """The same numbers, or a single order: no method is ahead."""
    same = records.make_record("naive").scores
    tied = [records.make_record(m, scores=same) for m in ("naive", "twin")]
    for runs in (tied, records.grid(orders=(0,))):
        found = places(build_table(board_of(runs)).rows, SCORE)
        assert {place.place for place in found.values()} == {1}
        assert {place.group for place in found.values()} == {None}
    assert places(build_table(board_of(tied[:1])).rows, SCORE) == {}


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_tie_groups_are_their_rule(data: st.DataObject) -> None:
    labels = "abcde"
    means = {label: data.draw(st.floats(0, 1)) for label in labels}
    told = {pair: data.draw(st.sampled_from([0.01, 0.2])) for pair in combinations(labels, 2)}
    p_of = told | {(b, a): p for (a, b), p in told.items()}
    groups = tie_groups(means, told, rising=True)
    assert sorted(label for group in groups for label in group) == list(labels)
    for k, (best, *others) in enumerate(groups):
        later = [label for group in groups[k + 1 :] for label in group]
        assert all(means[best] >= means[label] for label in (*others, *later))
        assert all(p_of[best, label] >= 0.05 for label in others)
        assert all(p_of[best, label] < 0.05 for label in later)


def test_to_be_told_apart_is_not_transitive() -> None:
    p_values = {("a", "b"): 0.2, ("b", "c"): 0.2, ("a", "c"): 0.01}
    assert tie_groups({"a": 0.1, "b": 0.2, "c": 0.3}, p_values, rising=True) == [["c", "b"], ["a"]]
    assert tie_groups({"a": 0.1, "b": 0.2, "c": 0.3}, p_values, rising=False) == [["a", "b"], ["c"]]


def test_rows_of_unequal_runs_are_ranked_over_those_they_share(records: SimpleNamespace) -> None:
    every = [r for r in records.grid() if (r.method.name, r.order, r.seed) != ("merge_init", 5, 5)]
    rows = {
        r.label: r
        for r in build_table(
            board_of([*every, records.make_record("merge_init", order=5, seed=5, learned=2)])
        ).rows
    }
    assert rows["merge_init"].partial == {(5, 5): 2}
    assert rows["merge_init"].missing == ((5, 5),)
    assert rows["merge_init"].n == 3
    assert set(places(list(rows.values()), SCORE)) == {"merge_init", "naive", "magmax"}
    assert rows["naive"].complete


def test_one_more_run_of_one_method_takes_no_place_away(records: SimpleNamespace) -> None:
    every = records.grid()
    lucky = records.make_record(
        "magmax", order=10, scores={m: Scores(base=s.base, rows=ONES) for m, s in every[0].scores.items()}
    )
    more = build_table(board_of([*every, lucky])).rows
    for column in (SCORE, FORGETTING):
        assert places(more, column) == places(build_table(board_of(every)).rows, column)
    assert [row.label for row in more if not row.complete] == ["merge_init", "naive"]


def test_methods_that_share_no_run_are_not_ranked(records: SimpleNamespace) -> None:
    apart = [records.make_record(m, seed=k) for k, m in enumerate(("naive", "merge_init"))]
    assert places(build_table(board_of(apart)).rows, SCORE) == {}


def test_one_run_of_the_base_model_is_whole(records: SimpleNamespace) -> None:
    made = build_table(board_of([*records.grid(("naive",)), records.make_record("base")]))
    assert made.rows[0].complete


def test_regimes_are_ranked_apart_and_oracles_not(records: SimpleNamespace) -> None:
    others = [records.make_record("er", regime="replay"), records.make_record("joint", regime="oracle")]
    rows = build_table(board_of([records.make_record("naive"), records.make_record("magmax"), *others])).rows
    assert set(places(rows, SCORE)) == {"naive", "magmax"}


def test_a_metric_that_some_runs_lack_is_not_ranked(records: SimpleNamespace) -> None:
    rest = records.grid(("naive", "merge_init", "magmax"))
    rest[-1] = records.make_record("magmax", order=5, seed=5, metrics=("mini_clip_i",))
    assert set(places(build_table(board_of(rest)).rows, SCORE)) == {"naive", "merge_init"}


def test_differences_use_shared_runs_and_one_family(records: SimpleNamespace) -> None:
    every = records.grid(orders=(0, 5, 10, 42, 1, 2, 3, 4))
    board = board_of([r for r in every if (r.method.name, r.order) != ("magmax", 42)])
    found = differences(build_table(board, ["average_score"]), "naive")
    assert {label for label, _ in found} == {"merge_init", "magmax"}
    against = found["merge_init", SCORE]
    assert (against.difference.n, found["magmax", SCORE].difference.n) == (16, 14)
    assert against.difference.mean > 0
    assert against.p_adjusted == 2**-7
    assert against.significant
    together = step_down([one.difference.by_order for one in found.values()])
    assert [one.p_adjusted for one in found.values()] == pytest.approx(together)


def test_rows_are_sorted_by_any_column(records: SimpleNamespace) -> None:
    board = board_of(records.grid(orders=ORDERS))
    assert [*sorted_board(board, "average_score/mini_dino").entries] == [
        "merge_init",
        "naive",
        "magmax",
        "base",
    ]
    assert [*sorted_board(board, "average_forgetting").entries] == ["magmax", "merge_init", "naive", "base"]
    assert [*sorted_board(board, "method").entries] == sorted(board.entries)
    assert sorted_board(board, "average_score/absent") == board
    assert {"method", "runs", "plasticity", "gain_retained/mini_dino"} <= {*sort_names(board)}
    fewer = board_of([*records.grid(), records.make_record("magmax", order=7)])
    assert next(iter(sorted_board(fewer, "runs").entries)) == "magmax"


def test_differences_from_the_base_model(records: SimpleNamespace) -> None:
    made = build_table(board_of(records.grid()))
    assert {column.summary for _, column in differences(made, "base")} == {"average_score"}
    assert differences(made, "absent") == {}
