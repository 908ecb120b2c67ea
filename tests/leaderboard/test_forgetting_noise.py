"""The noise floor of stored runs."""

from pathlib import Path
from types import SimpleNamespace

from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.forgetting_noise import noise_floor
from cbench.leaderboard.io import Stored
from cbench.leaderboard.statistics import forgetting_floor


def board_of(records: list) -> Board:
    return boards([Stored(Path(r.file_name), r) for r in records])[0]


def test_the_floor_of_records_with_known_noise(records: SimpleNamespace) -> None:
    """The builder adds a uniform number of +-0.02 to every cell: a standard deviation of 0.0115."""
    runs = records.grid(("naive",), orders=tuple(range(20)), seeds=(0, 5), tasks=8, metrics=("mini_dino",))
    found = noise_floor(board_of(runs).entries["naive"], "mini_dino")
    assert found is not None and 0.0100 < found.noise < 0.0131
    assert found.floor == forgetting_floor(found.noise, 8)


def test_short_streams_and_the_base_model_have_none(records: SimpleNamespace) -> None:
    assert noise_floor(board_of(records.grid(("base",))).entries["base"], "mini_dino") is None
    short = board_of(records.grid(("naive",), tasks=2)).entries["naive"]
    assert noise_floor(short, "mini_dino") is None
    assert noise_floor(short, "absent") is None
