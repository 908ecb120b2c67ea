"""The reusable action: its shell steps, run as a runner would run them, on stored records."""

import os
import runpy
import shutil
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


def shell(name: str, home: Path, fresh: str = "", **inputs: str) -> subprocess.CompletedProcess:
    """One step, its inputs filled in; `cbench` is the one of this Python."""
    values = {key: about.get("default", "") for key, about in ACTION["inputs"].items()}
    values |= {"baseline-ref": ""} | {key.replace("_", "-"): value for key, value in inputs.items()}
    known = {f"${{{{ inputs.{key} }}}}": value for key, value in values.items()}
    known["${{ steps.run.outputs.results }}"] = fresh
    told = {variable: known[text] for variable, text in STEPS[name]["env"].items()}
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
    fresh = (home / "output").read_text().removeprefix("results=").strip()
    assert first == f"<run><--method><naive><--suite><objects><--results><{fresh}>"
    assert second == f"<run><--method><a;touch$IFS*pwned><--set><x=$(id)><--results><{fresh}>", (
        "words are never a program"
    )
    assert Path(fresh).is_dir() and not list(Path(fresh).iterdir()), "whatever `results` holds"


def test_committed_results_count_for_nothing(home: Path) -> None:
    """The runs of a pull request made nothing: its own `results` is not looked at."""
    (home / "fresh" / "records").mkdir(parents=True)
    done = shell("check", home, fresh=str(home / "fresh"), baseline="baseline.json")
    assert done.returncode == 2 and "no records in" in done.stderr
    assert shell("check", home, baseline="baseline.json").returncode == 0


def test_the_baseline_is_that_of_the_base_branch(home: Path) -> None:
    """A pull request that makes its method worse and moves the bar with it does not pass."""

    def git(*words: str) -> str:
        about = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", *about, *words], cwd=home, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    git("add", "baseline.json")
    git("commit", "--quiet", "-m", "base")
    base = git("rev-parse", "HEAD")
    for path in (home / "results" / "records").iterdir():
        build.damage(path, lambda d: d["scores"]["mini_dino"].update(base=[0.9] * 4))
    words = ["check", "results", "--baseline", "baseline.json", "--update"]
    subprocess.run([sys.executable, "-m", "cbench", *words], cwd=home, check=True)
    git("commit", "--quiet", "-am", "worse, and the bar with it")
    assert shell("check", home, baseline="baseline.json").returncode == 0
    done = shell("check", home, baseline="baseline.json", baseline_ref=base)
    assert done.returncode == 1, done.stderr
    done = shell("check", home, baseline="other.json", baseline_ref=base)
    assert done.returncode == 2 and "has no other.json; merge a baseline first" in done.stderr


def test_the_plugin_is_there_for_the_runs_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment sees cbench and all beside it; the check's does not see the plugin."""
    source = home / "plugin"
    shutil.copytree(ROOT / "tests" / "plugin", source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
    words = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(home)]
    subprocess.run([sys.executable, "-m", *words, str(source)], check=True)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_DEPS", "1")  # torch may be here without all of its own
    done = shell("plugin", home, plugin=str(next(home.glob("*.whl"))))
    assert done.returncode == 0, done.stderr
    inner = str(home / "cbench-plugin" / "bin" / "python")
    for python, sees in ((inner, True), (sys.executable, False)):
        words = [python, "-m", "cbench", "ls", "methods"]
        told = subprocess.run(words, capture_output=True, text=True, check=True, cwd=home).stdout
        assert ("half_merge" in told) == sees and "merge_init  cbench" in told


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
    jobs = yaml.safe_load((ROOT / "docs" / "gate-a-plugin.yml").read_text())["jobs"]
    run, check = (
        next(step["with"] for step in jobs[job]["steps"] if step["uses"].startswith("OWNER/cbench"))
        for job in ("run", "check")
    )
    assert run.keys() | check.keys() <= ACTION["inputs"].keys()
    assert all(line.startswith("--method my_method") for line in run["run"].splitlines())
    assert "baseline" in check and not {"plugin", "run"} & check.keys(), "the check is without the plugin"
    assert "base.sha" in jobs["check"]["steps"][0]["with"]["ref"]
