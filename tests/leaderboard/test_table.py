"""Rows, ranks and differences."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.table import Column, build_table, differences, places
from cbench.record.record import Scores

SCORE, FORGETTING = Column("average_score", "mini_dino"), Column("average_forgetting", "mini_dino")

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


def test_best_and_second(records: SimpleNamespace) -> None:
    made = build_table(board_of(records.grid()))
    assert places(made.rows, SCORE) == {"merge_init": 1, "naive": 2}
    assert places(made.rows, FORGETTING) == {"magmax": 1, "merge_init": 2}


def test_ties_share_a_place_and_one_method_wins_nothing(records: SimpleNamespace) -> None:
    same = records.make_record("naive").scores
    tied = [records.make_record(m, scores=same) for m in ("naive", "twin")]
    assert places(build_table(board_of(tied)).rows, SCORE) == {"naive": 1, "twin": 1}
    assert places(build_table(board_of(tied[:1])).rows, SCORE) == {}


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
    assert places(list(rows.values()), SCORE) == {"merge_init": 1, "naive": 2}
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
    assert places(rows, SCORE) == {"naive": 1, "magmax": 2}


def test_a_metric_that_some_runs_lack_is_not_ranked(records: SimpleNamespace) -> None:
    rest = records.grid(("naive", "merge_init", "magmax"))
    rest[-1] = records.make_record("magmax", order=5, seed=5, metrics=("mini_clip_i",))
    assert set(places(build_table(board_of(rest)).rows, SCORE)) == {"naive", "merge_init"}


def test_differences_use_shared_runs_and_holm(records: SimpleNamespace) -> None:
    every = records.grid(orders=(0, 5, 10, 42))
    board = board_of([r for r in every if (r.method.name, r.order) != ("magmax", 42)])
    found = differences(build_table(board, ["average_score"]), "naive")
    assert {label for label, _ in found} == {"merge_init", "magmax"}
    against = found["merge_init", SCORE]
    assert (against.difference.n, found["magmax", SCORE].difference.n) == (8, 6)
    assert against.difference.mean > 0
    assert against.p_holm == pytest.approx(2 * 2 / 2**8)
    assert against.significant


def test_differences_from_the_base_model(records: SimpleNamespace) -> None:
    made = build_table(board_of(records.grid()))
    assert {column.summary for _, column in differences(made, "base")} == {"average_score"}
    assert differences(made, "absent") == {}
