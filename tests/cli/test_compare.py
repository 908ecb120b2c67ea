"""`cbench compare`."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import main

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
ONE, TWO = "mini-objects-naive-o0-s0", "mini-objects-naive-o0-s5"


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["compare", *map(str, words)])
    return stop.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return build.write(tmp_path / "results", build.grid(("naive",)))


def test_runs(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(ONE, TWO, "--results", home) == 0
    assert "second minus first" in capsys.readouterr().out
    assert call(ONE, TWO, "--results", home, "--json") == 0
    assert json.loads(capsys.readouterr().out)["equal"] is False


def test_folders(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, home) == 0
    assert "+0.000" in capsys.readouterr().out
    assert call(home, home, "--json") == 0
    assert json.loads(capsys.readouterr().out)["only_one"] == []


def test_a_folder_and_a_run(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, home / "records" / f"{ONE}.json") == 2
    assert "compare two of a kind" in capsys.readouterr().err
