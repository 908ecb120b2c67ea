"""The example plugin to copy: installed as a user would, its tests pass, its method and metric run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cbench.record.files import read_record

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the example plugin."""
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("example-source") / "plugin")
    target = tmp_path_factory.mktemp("example-site")
    words = [
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        target,
        source,
    ]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return target


def test_own_tests_pass(example_site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": str(example_site), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_method_runs_and_metric_scores(cli, track_file, example_site, tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(example_site)
    out = tmp_path / "out"
    words = ("--track", track_file, "--results", out)
    code, _, error = cli("run", "--method", "fading_merge", "--suite", "colours", *words)
    assert code == 0, error
    code, _, error = cli("score", "--metric", "palette", *words)
    assert code == 0, error
    record = read_record(out / "records" / "tiny-colours-fading_merge-o0-s0.json")
    assert record.complete and set(record.scores) == {"colour", "palette"}
    assert cli("leaderboard", out)[0] == 0


def test_method_is_short() -> None:
    """What the page says: a method is about 25 lines."""
    assert len((EXAMPLE / "my_plugin" / "method.py").read_text().splitlines()) <= 27
