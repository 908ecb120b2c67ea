"""`cbench power`."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import main

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["power", *map(str, words)])
    return stop.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    styles = build.grid(suite="styles", metrics=("mini_csd",), orders=(0, 5, 10, 42))
    return build.write(tmp_path / "results", build.grid(orders=(0, 5, 10, 42)) + styles)


def test_every_method_and_the_reference(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home) == 0
    shown = capsys.readouterr().out
    assert shown.count("The smallest difference from `naive`") == 2
    assert shown.count("| `merge_init` | `naive`") == 6


def test_two_methods_one_column_and_looks(home: Path, capsys: pytest.CaptureFixture) -> None:
    words = ["--methods", "merge_init", "naive", "--suite", "styles", "--column", "score", "--looks", "4,8"]
    assert call(home, *words) == 0
    shown = capsys.readouterr().out
    assert shown.count("| `merge_init` | `naive`") == 1 and "objects" not in shown
    assert "score mini_csd ↑, 4 orders: p = 0.000" in shown and "told apart, stop" in shown


def test_json(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--json", "--column", "score/mini_csd", "--orders", "4,9", "--compared", 3) == 0
    (board,) = json.loads(capsys.readouterr().out)
    assert board["suite"] == "styles" and board["alpha"] == pytest.approx(0.05 / 3)
    assert list(board["resolution"][0]["by_orders"]) == ["4", "9"]
    assert {tuple(c["methods"]) for c in board["comparisons"]} == {
        ("magmax", "naive"),
        ("merge_init", "naive"),
    }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--methods", "merge_init", "nave"], "unknown method 'nave'; did you mean 'naive'?"),
        (["--column", "scor"], "unknown column 'scor'; did you mean 'score'?"),
        (["--column", "score/mini_cds"], "unknown metric 'mini_cds'; did you mean 'mini_csd'?"),
        (["--column", "gain_retained"], "is a ratio of means"),
        (["--looks", "4,8"], "name one with --methods A B"),
        (["--methods", "naive", "--suite"], "--methods takes two names"),
        (["--methods", "naive", "naive"], "name two different methods"),
        (["--against", "nave"], "unknown method 'nave'; did you mean 'naive'?"),
        (["--orders", "4,x"], "--orders '4,x': name numbers of orders"),
        (["--orders", "4,²"], "name numbers of orders"),
        (["--looks", "8,4"], "name rising numbers of orders"),
        (["--looks", "1,4"], "name numbers of orders from 2 to 1000"),
    ],
)
def test_bad_input_is_one_line(
    home: Path, capsys: pytest.CaptureFixture, words: list[str], complaint: str
) -> None:
    assert call(home, *words) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1


def test_too_few_orders(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(build.write(tmp_path, build.grid(orders=(0,)))) == 2
    assert "differ in these columns over two shared orders" in capsys.readouterr().err
