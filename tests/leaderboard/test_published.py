"""The published tables and the agreement with them."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.published import agreement, matches, published, side_by_side
from cbench.leaderboard.table import build_table


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_tables_are_whole() -> None:
    for suite in published().suites.values():
        assert list(suite.methods) == ["base", "naive", "merge_init", "ortho_init", "magmax"]
        for label, summaries in suite.methods.items():
            assert set(summaries) == (
                {"average_score"} if label == "base" else {"average_score", "average_forgetting"}
            )
            assert all(set(cells) == set(suite.metrics) for cells in summaries.values())


def test_a_few_cells() -> None:
    objects, styles = published().suites["objects"].methods, published().suites["styles"].methods
    assert objects["merge_init"]["average_score"]["dino"] == (0.457, 0.011)
    assert styles["ortho_init"]["average_forgetting"]["csd"] == (0.204, 0.013)


def test_agreement_over_shared_runs(records: SimpleNamespace) -> None:
    board, paper = board_of(records.grid(orders=(0, 5, 10))), published().suites["objects"]
    found = {m.column.title: agreement(board, m, paper) for m in matches(board, paper)}
    forgetting = found["forgetting mini_dino ↓"]
    assert forgetting is not None
    assert forgetting.ours == forgetting.theirs == ("magmax", "merge_init", "naive")
    assert (forgetting.tau, forgetting.runs) == (1, 6)
    assert forgetting.interval is not None and forgetting.interval[0] < forgetting.interval[1] == 1
    score = found["score mini_dino ↑"]
    assert score is not None
    assert (score.ours, score.theirs) == (
        ("merge_init", "naive", "magmax"),
        ("merge_init", "magmax", "naive"),
    )
    assert score.tau == pytest.approx(1 / 3)


def test_agreement_needs_three_methods_and_shared_runs(records: SimpleNamespace) -> None:
    paper = published().suites["objects"]
    apart = [records.make_record(m, seed=k) for k, m in enumerate(("naive", "merge_init", "magmax"))]
    for few in (records.grid(("naive", "magmax")), apart):
        board = board_of(few)
        assert [agreement(board, m, paper) for m in matches(board, paper)] == [None] * 4


def test_one_run_has_no_interval(records: SimpleNamespace) -> None:
    board, paper = board_of(records.grid(orders=(0,), seeds=(0,))), published().suites["objects"]
    assert all(
        found and found.interval is None
        for m in matches(board, paper)
        if (found := agreement(board, m, paper))
    )


def test_side_by_side_leaves_unfinished_rows_out(records: SimpleNamespace) -> None:
    made = records.grid(track="sdxl", metrics=("clip_i", "dino"))
    board, paper = board_of(made[:-1]), published().suites["objects"]
    cells = side_by_side(board, build_table(board).rows, paper)
    assert {c.label for c in cells} == {"base", "naive", "merge_init"}
    assert len(cells) == 2 + 4 + 4
