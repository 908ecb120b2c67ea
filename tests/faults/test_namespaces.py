"""Two containers on one results folder: processes in PID namespaces of their own, in which both have the same
process id and neither sees the other. As root:

    pytest tests/faults/test_namespaces.py -m slow
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APART = ["unshare", "--pid", "--fork", "--mount-proc"]


def can_unshare() -> bool:
    words = [*APART, "true"]
    return bool(shutil.which("unshare")) and subprocess.run(words, capture_output=True).returncode == 0


def begin(words: list[str], log: Path, plugin: Path) -> subprocess.Popen:
    """The command in a PID namespace of its own, in which it is process 1."""
    places = os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH"))))
    program = [*APART, sys.executable, "-m", "cbench", *words]
    environment = os.environ | {"PYTHONPATH": places}
    return subprocess.Popen(program, env=environment, stdout=log.open("w"), stderr=subprocess.STDOUT)


@pytest.mark.slow
@pytest.mark.skipif(not can_unshare(), reason="needs root and unshare (util-linux)")
def test_two_containers_on_one_folder(command, finish, bytes_of, plugin: Path, tmp_path: Path) -> None:
    """Each takes the other's lease for that of a living process: one does the work, the other waits."""
    out, logs = tmp_path / "out", [tmp_path / "one.txt", tmp_path / "two.txt"]
    begun = [begin(command(out), log, plugin) for log in logs]
    for process, log in zip(begun, logs, strict=True):
        assert process.wait(600) == 0, log.read_text()
    assert finish(command(tmp_path / "alone"))[0] == 0
    assert bytes_of(out) == bytes_of(tmp_path / "alone")
    assert sorted("train 3/3" in log.read_text() for log in logs) == [False, True], "one did the work"
    assert not list((out / "store" / "partial").iterdir())
