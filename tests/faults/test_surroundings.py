"""What happens around a run: clocks jump, memory ends, a worker hangs, a method sleeps for ever."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cbench.store import lease as leases

GREEDY = """
import resource
from pathlib import Path

class odd(MergeInit):
    name, title = "odd", "Odd"

    def keep(self, memory, trained, task):
        kept = super().keep(memory, trained, task)
        if Path("{tight}").exists():
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
        return kept
"""
SLEEPY = """
import time
from pathlib import Path

class odd(MergeInit):
    name, title = "odd", "Odd"

    def keep(self, memory, trained, task):
        flag = Path("{flag}")
        if flag.exists():
            flag.with_suffix(".seen").touch()
            if "{times}" == "once":
                flag.unlink()
            while True:
                time.sleep(1)
        return super().keep(memory, trained, task)
"""


def until(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.005)


def test_clocks_that_jump(start, finish, command, bytes_of, tmp_path):
    """Two processes share a folder whose clock jumps by years, which they see by the stamps of their claims;
    one of them does the work."""
    out, dice, jumps = tmp_path / "out", random.Random(3), 0
    begun = [start(command(out)) for _ in range(2)]
    while any(process.is_alive() for process, _ in begun):
        for path in out.rglob("claims/*"):
            with suppress(FileNotFoundError):
                os.utime(path, (0, dice.randrange(4_000_000_000)))
                jumps += 1
        time.sleep(0.01)
    logs = [log.read_text() for _, log in begun]
    assert [process.exitcode for process, _ in begun] == [0, 0] and jumps > 10, logs
    assert sorted(log.count("train 3/3") for log in logs) == [0, 1]
    assert finish(command(tmp_path / "whole"))[0] == 0
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_memory_that_ends_is_one_line_and_the_run_goes_on_where_there_is_more(
    finish, command, bytes_of, plug, tmp_path
):
    """The machine refuses memory to whatever stage comes after the first task's training."""
    tight = tmp_path / "tight"
    plug(GREEDY.format(tight=tight))
    assert finish(command(tmp_path / "whole", method="odd"))[0] == 0
    tight.touch()
    code, output = finish(command(tmp_path / "out", method="odd"))
    lines = [line for line in output.splitlines() if line.startswith("cbench: ")]
    assert (
        code == 3
        and len(lines) == 1
        and "out of memory" in lines[0]
        and "resume with: cbench run" in lines[0]
    ), output
    assert "Traceback" not in output and not list((tmp_path / "out").rglob("partial/*"))
    tight.unlink()
    assert finish(command(tmp_path / "out", method="odd"))[0] == 0
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_worker_that_hangs_holds_nobody_up_and_harms_nothing_when_it_wakes(
    start, cli, finish, command, bytes_of, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    process, log = start(command(out))
    until(out / "claims" / "tiny-colours-ortho_init-o0-s0")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        monkeypatch.setattr(leases, "PATIENCE", 1.0)
        assert cli(*command(out))[0] == 0
    finally:
        os.kill(process.pid, signal.SIGCONT)
    process.join(60)
    assert process.exitcode == 0, log.read_text()
    assert finish(command(tmp_path / "whole"))[0] == 0
    assert bytes_of(out) == bytes_of(tmp_path / "whole") and cli("verify", "--results", out)[0] == 0


def test_method_that_sleeps_for_ever_is_interrupted_within_seconds(start, command, plug, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    plug(SLEEPY.format(flag=flag, times="always"))
    process, log = start(command(tmp_path / "out", method="odd"))
    until(flag.with_suffix(".seen"))
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.join(30)
    assert process.exitcode == 130 and time.monotonic() - began < 5
    assert "interrupted in colours odd order 0 seed 0 after train 1/3" in log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("times", "requeues", "state"), [("once", 3, "done"), ("always", 0, "failed")])
def test_job_that_hangs_is_started_again_when_its_time_is_over(
    cli, command, plug, tmp_path, monkeypatch, plugin, times, requeues, state
):
    """A minute is the least; the signal comes half a minute before."""
    flag = tmp_path / "flag"
    flag.touch()
    plug(SLEEPY.format(flag=flag, times=times))
    monkeypatch.setenv("PYTHONPATH", f"{plugin}:{tmp_path / 'site'}")
    (tmp_path / "profile.yaml").write_text(f"requeues: {requeues}\nhours: 0.01\n")
    words = command(
        tmp_path / "out",
        "--executor",
        "local",
        "--profile",
        str(tmp_path / "profile.yaml"),
        "--device",
        "cpu",
        method="odd",
    )
    code, _, error = cli(*words)
    assert code == (0 if state == "done" else 3), error
    output = cli("status", "--results", tmp_path / "out")[1]
    assert output.startswith(state), output
    if state == "failed":
        assert "out of time" in output
