"""`cbench figures`."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import main

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))


def test_writes_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    home = build.write(tmp_path / "results", [build.make_record(metrics=("mini_dino",))])
    with pytest.raises(SystemExit) as stop:
        main(["figures", str(home), "--out", str(tmp_path / "figures")])
    assert stop.value.code == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == len(list((tmp_path / "figures").iterdir())) == 6


def test_nothing_to_draw(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    home = build.write(tmp_path / "results", [build.make_record(learned=1)])
    with pytest.raises(SystemExit) as stop:
        main(["figures", str(home), "--out", str(tmp_path / "figures")])
    assert stop.value.code == 2
    assert "no complete run" in capsys.readouterr().err
