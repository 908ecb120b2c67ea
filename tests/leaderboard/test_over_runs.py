"""A summary over runs: means, and ratios of means."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored
from cbench.leaderboard.over_runs import normalised, over_runs
from cbench.leaderboard.statistics import interval, spread
from cbench.leaderboard.summaries import gain_parts, summarise
from cbench.leaderboard.table import Column


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_a_mean_is_over_runs_and_its_interval_over_orders(records: SimpleNamespace) -> None:
    runs = records.grid(("naive",), orders=(0, 5, 10))
    found = over_runs(board_of(runs).entries["naive"], Column("plasticity", "mini_dino"))
    numbers = {(r.order, r.seed): summarise(r.scores["mini_dino"])["plasticity"] for r in runs}
    assert found == (*spread(list(numbers.values())), interval(numbers))


def test_a_ratio_is_of_the_means(records: SimpleNamespace) -> None:
    runs = records.grid(("naive",), orders=(0, 5, 10))
    found = over_runs(board_of(runs).entries["naive"], Column("gain_retained", "mini_dino"))
    parts = [gain_parts(r.scores["mini_dino"]) for r in runs]
    assert found is not None and (found.std, found.n) == (None, 6)
    assert found.mean == pytest.approx(sum(a for a, _ in parts) / sum(b for _, b in parts))
    assert found.interval is not None and found.interval[0] < found.mean < found.interval[1]


def test_what_has_no_meaning_is_none(records: SimpleNamespace) -> None:
    base = board_of(records.grid(("base",))).entries["base"]
    for summary in ("gain_retained", "average_forgetting"):
        assert over_runs(base, Column(summary, "mini_dino")) is None
    assert over_runs(base, Column("average_score", "absent")) is None


def test_normalised_is_over_the_runs_that_joint_has(records: SimpleNamespace) -> None:
    board = board_of([*records.grid(("naive",)), records.make_record("joint", regime="oracle")])
    found = normalised(board, board.entries["naive"], "mini_dino")
    assert found is not None and (found.n, found.interval) == (1, None)
    joint = normalised(board, board.entries["joint"], "mini_dino")
    assert joint is not None and joint.mean == pytest.approx(1)
    assert normalised(board_of(records.grid(("naive",))), board.entries["naive"], "mini_dino") is None
