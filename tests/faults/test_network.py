"""A results folder on a network file system: two mounts of one folder, each with its own cache, as two
machines have it."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cbench.store.store import Store, is_intact

SERVER = next(
    (
        path
        for path in map(Path, ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server"))
        if path.exists()
    ),
    None,
)
HERE = SERVER and Path("/dev/fuse").exists() and shutil.which("sshfs") and shutil.which("fusermount3")

pytestmark = pytest.mark.skipif(not HERE, reason="needs sshfs, an SFTP server and /dev/fuse")


@pytest.fixture
def mounts(tmp_path: Path):
    """The two places of one folder, by SFTP without a network between."""
    served, script = tmp_path / "served", tmp_path / "server"
    script.write_text(f"#!/bin/sh\nexec {SERVER}\n")
    script.chmod(0o755)
    places = [tmp_path / "one", tmp_path / "two"]
    for folder in (served, *places):
        folder.mkdir()
    try:
        for place in places:
            words = ["sshfs", "-o", f"ssh_command={script}", f"here:{served}", str(place)]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"no mount here: {done.stderr.strip()}")
        yield served, *places
    finally:
        for place in places:
            subprocess.run(["fusermount3", "-uz", str(place)], capture_output=True)


def test_two_machines_on_one_chain(start, finish, command, bytes_of, mounts, tmp_path):
    served, *places = mounts
    begun = [start(command(place / "out")) for place in places]
    for process, log in begun:
        process.join(300)
        assert process.exitcode == 0, log.read_text()
    assert finish(command(tmp_path / "alone"))[0] == 0
    assert bytes_of(served / "out") == bytes_of(tmp_path / "alone")
    assert sorted(log.read_text().count("train 3/3") for _, log in begun) == [0, 1], (
        "one of them did the work"
    )
    assert not list(served.rglob("claims/*")) and not list(served.rglob("partial/*"))


def test_one_machine_dies_and_the_other_goes_on(start, finish, command, bytes_of, mounts, tmp_path):
    served, *places = mounts
    begun = [start(command(place / "out")) for place in places]
    while not list(served.glob("out/store/adapters/*/*")):
        assert any(process.is_alive() for process, _ in begun), [log.read_text() for _, log in begun]
        time.sleep(0.01)
    owner = next(served.glob("out/claims/*")).read_text().split(".")
    worker = next(process for process, _ in begun if str(process.pid) in owner)
    os.kill(worker.pid, signal.SIGKILL)
    for process, log in begun:
        process.join(300)
        assert process.exitcode == (-signal.SIGKILL if process is worker else 0), log.read_text()
    assert finish(command(tmp_path / "alone"))[0] == 0
    assert bytes_of(served / "out") == bytes_of(tmp_path / "alone")


def test_chains_that_begin_alike(start, finish, command, bytes_of, mounts, tmp_path):
    served, *places = mounts
    begun = [
        start(command(place / "out", method=method))
        for place, method in zip(places, ("naive", "merge_init"), strict=True)
    ]
    for process, log in begun:
        process.join(300)
        assert process.exitcode == 0, log.read_text()
    for method in ("naive", "merge_init"):
        assert finish(command(tmp_path / "apart", method=method))[0] == 0
    assert bytes_of(served / "out") == bytes_of(tmp_path / "apart")


def test_of_two_equal_results_the_first_is_kept(mounts):
    """A claim was taken over from a machine that only seemed to be dead."""
    _, one, two = mounts
    key = "0" * 32

    def make(folder: Path) -> None:
        (folder / "x").write_text("the same")

    def late(folder: Path) -> None:
        Store(two / "store").remember("images", key, make)
        make(folder)

    found = Store(one / "store").remember("images", key, late)
    assert is_intact(found) and found == Store(one / "store").find("images", key)
