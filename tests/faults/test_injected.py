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
