"""Against stream length: the stored matrices cut off after k tasks."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.stream_length import added_seconds, first_tasks, growth, lengths
from cbench.leaderboard.summaries import average_forgetting, average_score
from cbench.record.record import Costs


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_the_end_of_the_stream_is_the_board(records: SimpleNamespace) -> None:
    runs = records.grid(("naive",), orders=(0, 5, 10))
    curve = growth(board_of(runs).entries["naive"], "mini_dino")
    assert [point.tasks for point in curve] == [1, 2, 3, 4]
    for k, point in enumerate(curve, 1):
        cut = [first_tasks(r.scores["mini_dino"], k) for r in runs]
        assert point.score.mean == pytest.approx(sum(map(average_score, cut)) / len(cut))
        assert point.forgetting is not None
        assert point.forgetting.mean == pytest.approx(sum(map(average_forgetting, cut)) / len(cut))
        assert point.score_interval is not None
    assert curve[0].forgetting_interval is None  # 0 in every run: no interval of width zero
    assert curve[-1].data()["score"]["n"] == 6


def test_the_base_model_forgets_nothing(records: SimpleNamespace) -> None:
    curve = growth(board_of(records.grid(("base",))).entries["base"], "mini_dino")
    assert all(point.forgetting is None for point in curve)
    assert growth(board_of(records.grid(("base",))).entries["base"], "absent") == []


@given(st.integers(1, 30))
def test_the_seconds_of_all_tasks_are_those_of_the_run(tasks: int) -> None:
    costs = Costs(train_seconds=70, sample_seconds=40, score_seconds=3, merge_seconds=2)
    added = [added_seconds(costs, k, tasks) for k in range(1, tasks + 1)]
    assert sum(added) == pytest.approx(115)
    assert added == sorted(added)


def test_lengths_end_with_the_stream() -> None:
    assert lengths(10) == [2, 4, 6, 8, 10]
    assert lengths(3) == [1, 2, 3]
    assert lengths(1) == [1] and lengths(0) == []
