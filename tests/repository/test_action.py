"""The reusable action: its shell steps, run as a runner would run them, on stored records."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))


def shell(name: str, home: Path, **inputs: str) -> subprocess.CompletedProcess:
    """One step, its inputs filled in; `cbench` is the one of this Python."""
    values = {key: about.get("default", "") for key, about in ACTION["inputs"].items()} | inputs
    told = {
        variable: values[text.split(".")[1].rstrip(" }")] for variable, text in STEPS[name]["env"].items()
    }
    runner = {
        "RUNNER_TEMP": str(home),
        "GITHUB_OUTPUT": str(home / "output"),
        "GITHUB_STEP_SUMMARY": str(home / "summary"),
    }
    path = f"{home / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    words = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(
        words, cwd=home, env={**os.environ, **runner, **told, "PATH": path}, capture_output=True, text=True
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    build.write(tmp_path / "results", build.grid(("naive",)))
    cbench = [sys.executable, "-c", "from cbench.cli import main; main()"]
    subprocess.run(
        [*cbench, "check", "results", "--baseline", "baseline.json", "--update"], cwd=tmp_path, check=True
    )
    return tmp_path


def test_check_passes_reports_and_then_fails(home: Path) -> None:
    done = shell("check", home, baseline="baseline.json", exact="true")
    assert done.returncode == 0, done.stderr
    assert (home / "output").read_text() == f"report={home}/cbench-check.md\n"
    assert (home / "summary").read_text().startswith("### cbench check")
    build.damage(
        home / "results" / "records" / "mini-objects-naive-o0-s0.json", lambda d: d["scores"].pop("mini_dino")
    )
    failed = shell("check", home, baseline="baseline.json")
    assert failed.returncode == 3 and "incomplete" in failed.stderr
    assert "incomplete" in (home / "summary").read_text()


def test_run_hands_each_line_over_as_words(home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "cbench").write_text(
        '#!/bin/sh\nprintf "<%s>" "$@" >> calls; echo >> calls; cat > /dev/null\n'
    )
    (home / "bin" / "cbench").chmod(0o755)
    done = shell(
        "run", home, run="--method naive --suite objects\n\n--method a;touch$IFS*pwned --set x=$(id)\n"
    )
    assert done.returncode == 0, done.stderr
    first, second = (home / "calls").read_text().splitlines()
    assert first == "<run><--method><naive><--suite><objects><--results><results>"
    assert second == "<run><--method><a;touch$IFS*pwned><--set><x=$(id)><--results><results>", (
        "words are never a program"
    )


def test_run_stops_at_the_first_failure(home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "cbench").write_text("#!/bin/sh\necho called >> calls; exit 2\n")
    (home / "bin" / "cbench").chmod(0o755)
    assert shell("run", home, run="--method a\n--method b").returncode == 2
    assert (home / "calls").read_text().splitlines() == ["called"]


def test_no_input_stands_in_a_program() -> None:
    """Inputs reach the shell as variables alone: text pasted into a script could run."""
    assert not any("${{" in step["run"] for step in STEPS.values() if "run" in step)


def test_the_example_gives_only_inputs_that_there_are() -> None:
    workflow = yaml.safe_load((ROOT / "docs" / "gate-a-plugin.yml").read_text())
    used = workflow["jobs"]["gate"]["steps"][1]["with"]
    assert used.keys() <= ACTION["inputs"].keys()
    assert {name for name, about in ACTION["inputs"].items() if about.get("required")} <= used.keys()
    assert all(line.startswith("--method my_method") for line in used["run"].splitlines())
