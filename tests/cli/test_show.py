"""`cbench show`."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import main

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
NAME = "mini-objects-naive-o0-s0"


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["show", *map(str, words)])
    return stop.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return build.write(tmp_path / "results", build.grid(("naive",)))


def test_by_name_and_by_path(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(NAME, "--results", home) == 0
    shown = capsys.readouterr().out
    assert call(home / "records" / f"{NAME}.json") == 0
    assert capsys.readouterr().out == shown
    assert "after learning" in shown


def test_json(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(NAME, "--results", home, "--json") == 0
    assert json.loads(capsys.readouterr().out)["method"]["name"] == "naive"


def test_nearest_name(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call("mini-objects-naiv-o0-s0", "--results", home) == 2
    assert "did you mean 'mini-objects-naive-o0-s0'" in capsys.readouterr().err


def test_truncated(home: Path, capsys: pytest.CaptureFixture) -> None:
    path = home / "records" / f"{NAME}.json"
    path.write_text(path.read_text()[:100])
    assert call(NAME, "--results", home) == 2
    assert "is not a record" in capsys.readouterr().err
