"""Every n-th open, read, write, fsync, rename, link, mkdir and unlink below a results folder fails with EIO,
EMFILE or ENOSPC (an LD_PRELOAD injector); each time it is done or one error, and the same work again ends
with the bytes of an undisturbed one, nothing set aside."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tabulate import tabulate

HERE = Path(__file__).parent
RECORD = HERE.parents[1] / "leaderboard" / "records" / "mini-objects-base-o0-s0.json"


@pytest.fixture(scope="session")
def injector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if not compiler or sys.platform != "linux":
        pytest.skip("the injector needs Linux and a C compiler (gcc)")
    library = tmp_path_factory.mktemp("inject") / "inject.so"
    words = ["-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "inject.c"), "-ldl"]
    done = subprocess.run([compiler, *words], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the injector does not compile here: {done.stderr[-200:]}")
    return library


def test_every_operation_may_fail(injector: Path, tmp_path: Path) -> None:
    words = [sys.executable, str(HERE / "injected.py"), str(tmp_path), str(RECORD)]
    environment = os.environ | {"LD_PRELOAD": str(injector)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 24 and all(row["tries"] >= 2 for row in rows), rows
    assert not [row for row in rows if row["bad"]], done.stderr


@pytest.mark.slow
@pytest.mark.skipif("CBENCH_FAULTS" not in os.environ, reason="CBENCH_FAULTS=200 sets the number of tries")
def test_every_operation_of_a_training_may_fail(
    injector: Path, command, plugin: Path, tmp_path: Path
) -> None:
    """A whole run of three trainings on a pipeline of random weights, as often as CBENCH_FAULTS says."""
    (tmp_path / "home").mkdir()
    tries, seed = os.environ["CBENCH_FAULTS"], os.environ.get("CBENCH_FAULT_SEED", "1")
    words = [sys.executable, str(HERE / "injected_run.py"), str(tmp_path / "home"), tries, seed]
    places = os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"LD_PRELOAD": str(injector), "PYTHONPATH": places}
    words += ["RESULTS" if word == "OUT" else word for word in command(Path("OUT"))]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    columns = ("kind", "error", "operations", "tries", "done", "bad")
    table = [[len(row[name]) if name == "bad" else row[name] for name in columns] for row in rows]
    print("\n" + tabulate(table, headers=columns))
    assert sum(row["tries"] for row in rows) >= 0.9 * int(tries), "most faults must be reached"
    assert not [row for row in rows if row["bad"]], [row for row in rows if row["bad"]]
