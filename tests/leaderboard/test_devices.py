"""Runs of another device or optimizer are marked, and named below the table."""

from pathlib import Path
from types import SimpleNamespace

from cbench.leaderboard.collect import boards
from cbench.leaderboard.devices import Origin, origins
from cbench.leaderboard.io import Stored
from cbench.leaderboard.page import data, page


def board_of(runs: list) -> list:
    return boards([Stored(Path(r.file_name), r) for r in runs])


def of_run(runs: list, method: str, order: int, seed: int) -> int:
    return next(k for k, r in enumerate(runs) if (r.method.name, r.order, r.seed) == (method, order, seed))


def marked(text: str) -> list[str]:
    """The labels of the rows with a mark."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return [cell.split("`")[1] for cell in cells if "§" in cell]


def test_runs_of_one_device_have_no_mark(records: SimpleNamespace) -> None:
    board = board_of(records.grid())
    assert origins(board[0]).others == {} and "§" not in page(board)
    assert data(board)[0]["devices"] == ["cpu"]
    assert all(row["other_origins"] == [] for row in data(board)[0]["rows"])


def test_a_run_on_another_device_is_named(records: SimpleNamespace) -> None:
    runs = records.grid()
    at = of_run(runs, "naive", 5, 0)
    runs[at] = records.elsewhere(runs[at], device="cpu (Another | Processor)")
    text = page(board_of(runs))
    assert marked(text) == ["naive"]
    assert "Most runs are on cpu. `naive`: order 5 seed 0 on cpu (Another \\| Processor)." in text
    row = next(row for row in data(board_of(runs))[0]["rows"] if row["method"] == "naive")
    assert row["other_origins"] == [
        {"order": 5, "seed": 0, "devices": ["cpu (Another | Processor)"], "optimizer": None}
    ]


def test_a_method_on_another_device_is_named_once(records: SimpleNamespace) -> None:
    runs = [records.elsewhere(r, device="GPU") if r.method.name == "magmax" else r for r in records.grid()]
    assert "`magmax`: all runs on GPU." in page(board_of(runs))


def test_a_run_begun_here_and_ended_there_names_both(records: SimpleNamespace) -> None:
    runs = records.grid()
    at = of_run(runs, "magmax", 0, 5)
    runs[at] = records.elsewhere(runs[at], device="cpu", devices=("cpu", "cpu (old)"))
    text = page(board_of(runs))
    assert marked(text) == ["magmax"] and "`magmax`: order 0 seed 5 on cpu and cpu (old)." in text


def test_another_optimizer_is_named(records: SimpleNamespace) -> None:
    runs = [
        records.elsewhere(r, optimizer="adamw") if r.method.name == "naive" else r for r in records.grid()
    ]
    text = page(board_of(runs))
    assert marked(text) == ["naive"]
    assert "`naive`: all runs trained by adamw, not the track's optimizer." in text


def test_a_record_that_names_no_device_is_not_marked(records: SimpleNamespace) -> None:
    runs = [records.elsewhere(r, device="") if r.method.name == "naive" else r for r in records.grid()]
    assert origins(board_of(runs)[0]).usual == ("cpu",)
    assert "§" not in page(board_of(runs))


def test_of_equally_many_runs_the_first_by_name_is_usual(records: SimpleNamespace) -> None:
    one, two = records.grid(("naive",), orders=(0,))
    board = board_of([records.elsewhere(one, device="b"), records.elsewhere(two, device="a")])[0]
    assert origins(board).usual == ("a",)
    assert origins(board).others == {"naive": {Origin(("b",), ""): [(0, 0)]}}
