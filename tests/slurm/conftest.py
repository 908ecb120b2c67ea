"""A cluster that `tests/slurm/start` started: what the tests ask of it, and how a node of it loses its
power."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml


def shell(*words: str) -> str:
    """What a command prints; its own complaint where it fails."""
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


class Cluster:
    """The queue, by SLURM's own commands."""

    shell = staticmethod(shell)

    def queue(self, *states: str) -> dict[str, str]:
        """Our jobs: id -> node, or the reason why it has none."""
        output = shell(
            "squeue",
            "--noheader",
            "--partition=low",
            "--array",
            f"--states={','.join(states) or 'all'}",
            "--format=%i|%R|%T",
        )
        rows = [line.split("|") for line in output.splitlines()]
        return {job: where for job, where, state in rows if state != "COMPLETED"}

    def wait(self, condition: Callable[[], object], seconds: float = 600) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, shell("squeue", "--all") + shell("sinfo", "-N")
            time.sleep(0.3)

    def restarts(self) -> int:
        """How often SLURM put the jobs that are in the queue into it again."""
        output = shell("squeue", "--noheader", "--partition=low", "--array", "--Format=RestartCnt").split()
        return sum(map(int, output))

    def hasten(self) -> None:
        """SLURM lets a requeued job wait two minutes for its old self to go; here it has gone."""
        for job, reason in self.queue("pending").items():
            if "BeginTime" in reason:
                shell("scontrol", "update", f"jobid={job}", "starttime=now")

    def occupy(self) -> str:
        """Somebody of the higher partition takes both nodes; gives the job's id."""
        return shell(
            "sbatch", "--parsable", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 600"
        ).strip()

    def power_off(self, node: str) -> None:
        """SIGKILL, all at once, to the node's daemon and to everything that works on it."""
        jobs = shell("squeue", "--noheader", "--states=running", f"--nodelist={node}", "--format=%A").split()
        rows = [line.split(None, 2) for line in shell("ps", "-eo", "pid=,sid=,args=").splitlines()]
        sessions = {
            sid for _, sid, words in rows if any(words.startswith(f"slurmstepd: [{job}.") for job in jobs)
        }
        assert sessions, f"nothing runs on {node}"
        daemon = Path(f"/run/slurmd.{node}.pid").read_text().strip()
        for pid in [daemon, *(pid for pid, sid, _ in rows if sid in sessions)]:
            os.kill(int(pid), signal.SIGKILL)

    def power_on(self, node: str) -> None:
        shell("nice", "-n", "19", "slurmd", "-N", node)
        self.wait(lambda: "down" not in shell("sinfo", "--noheader", f"--nodes={node}", "--format=%T"))


@pytest.fixture
def cluster():
    """The cluster, with an empty queue before and after."""
    assert shutil.which("sbatch"), "run tests/slurm/start first"
    found = Cluster()
    shell("scancel", "--user=root")
    found.wait(lambda: not shell("squeue", "--noheader").strip())
    yield found
    shell("scancel", "--user=root")


@pytest.fixture
def sweep(cli, track_values, tmp_path, plugin_site, monkeypatch):
    """Submits a method's two chains, of half a minute or so each; gives the results folder."""
    site = shutil.copytree(plugin_site, tmp_path / "site")  # one test changes it
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    track_values["training"]["steps"], track_values["seeds"] = 600, [0]
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(track_values))
    words = ["run", "--suite", "colours", "--track", tmp_path / "long.yaml", "--device", "cpu", "--all"]

    def submit(method: str, *more: str) -> Path:
        out = tmp_path / "out"
        code, output, error = cli(
            *words, "--method", method, "--results", out, "--executor", "slurm", "--partition", "low", *more
        )
        assert code == 0 and output.count("submitted") == 2, error
        return out

    def alone(method: str, out: Path) -> int:
        """The same here, in a process of its own: of one thread, as a job is."""
        here = [sys.executable, "-m", "cbench", *map(str, words), "--method", method, "--results", str(out)]
        return subprocess.run(here, capture_output=True).returncode

    submit.alone = alone
    return submit


@pytest.fixture
def states(cli) -> Callable[[Path], list[str]]:
    """What `cbench status` says of each chain."""
    return lambda out: [one["state"] for one in json.loads(cli("status", "--results", out, "--json")[1])]
