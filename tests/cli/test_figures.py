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
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list((tmp_path / "figures").iterdir())) == 8


def test_nothing_to_draw(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    home = build.write(tmp_path / "results", [build.make_record(learned=1)])
    with pytest.raises(SystemExit) as stop:
        main(["figures", str(home), "--out", str(tmp_path / "figures")])
    assert stop.value.code == 2
    assert "no complete run" in capsys.readouterr().err


def test_interference_layers_and_examples_of_real_runs(cli, learn, track_file: Path, tmp_path: Path) -> None:
    out, pictures = tmp_path / "out", tmp_path / "pictures"
    for method in ("base", "naive", "magmax"):
        learn(track_file, out, method)
    words = ("figures", out, "--out", pictures, "--interference", "--per-layer", "--examples")
    code, _, error = cli(*words, "--track", track_file)
    assert code == 0, error
    new = {
        f"tiny-colours-{name}.{suffix}"
        for name in ("interference", "interference-layers", "examples")
        for suffix in ("svg", "png")
    }
    assert new <= {path.name for path in pictures.iterdir()}
    code, _, error = cli(*words)
    assert code == 2 and "track tiny is not installed" in error and "name its file with --track" in error


def test_nothing_interferes_where_nothing_is_learned(cli, track_file: Path, tmp_path: Path) -> None:
    assert (
        cli(
            "run",
            "--method",
            "base",
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            tmp_path / "out",
        )[0]
        == 0
    )
    for wanted, line in (
        ("--interference", "nothing can interfere"),
        ("--examples", "there are no images to show"),
    ):
        code, _, error = cli(
            "figures", tmp_path / "out", "--out", tmp_path / "pictures", wanted, "--track", track_file
        )
        assert code == 2 and line in error
    assert not (tmp_path / "pictures").exists()
