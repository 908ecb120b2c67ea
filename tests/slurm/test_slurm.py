"""A sweep on a real SLURM, which `tests/slurm/start` starts: jobs run, are preempted, lose their node, and end with the right bytes."""

import json
import os
import shutil
import subprocess
import time

import pytest

from cbench.record import read

pytestmark = [pytest.mark.slow, pytest.mark.skipif("CBENCH_SLURM" not in os.environ, reason="CBENCH_SLURM=1, after tests/slurm/start")]


def shell(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def states(cli, out) -> list[str]:
    return [one["state"] for one in json.loads(cli("status", "--out", out, "--json")[1])]


def wait(condition, seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, shell("squeue", "--all")
        time.sleep(0.5)


@pytest.fixture
def sweep(cli, track_file, tmp_path, plugin, monkeypatch):
    """Submits a method's chains; gives the results folder."""
    assert shutil.which("sbatch"), "run tests/slurm/start first"
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    words = ["run", "--suite", "colours", "--track", track_file, "--device", "cpu", "--all"]

    def submit(method: str):
        out = tmp_path / "out"
        code, told, error = cli(*words, "--method", method, "--out", out, "--executor", "slurm", "--partition", "low", "--hours", "1")
        assert code == 0 and told.count("submitted") == 4, error
        return out

    submit.alone = lambda method, out: cli(*words, "--method", method, "--out", out)[0]
    return submit


def same(out, alone) -> None:
    for one, two in zip(sorted((out / "records").glob("*.json")), sorted((alone / "records").glob("*.json")), strict=True):
        assert one.name == two.name and read(one).scores == read(two).scores and read(one).kept == read(two).kept


def test_sweep_with_a_preemption_and_a_node_that_dies(cli, sweep, tmp_path):
    out = sweep("merge_init")
    wait(lambda: "running" in states(cli, out))
    # somebody of a higher partition takes both nodes: SLURM requeues ours
    shell("sbatch", "--partition=high", "--nodes=2", "--output=/dev/null", "--wrap=sleep 5")
    wait(lambda: "PENDING" in shell("squeue", "--noheader", "--partition=low", "--format=%T"))
    wait(lambda: "running" in states(cli, out))
    # a node dies: its job is requeued on the other one, or on it when it is back
    node = shell("squeue", "--noheader", "--partition=low", "--states=running", "--format=%N").split()[0]
    shell("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    time.sleep(3)
    shell("scontrol", "update", f"nodename={node}", "state=resume")
    wait(lambda: states(cli, out) == ["done"] * 4)
    assert cli("status", "--out", out)[0] == 0 and sweep.alone("merge_init", tmp_path / "alone") == 0
    same(out, tmp_path / "alone")
    assert cli("verify", "--out", out)[0] == 0


def test_timed_out_job_is_requeued_and_goes_on(cli, sweep, tmp_path):
    out = sweep("naive")
    wait(lambda: "running" in states(cli, out))
    job = shell("squeue", "--noheader", "--array", "--states=running", "--format=%F_%K").split()[0]
    shell("scancel", "--signal=USR2", "--batch", job)
    wait(lambda: states(cli, out) == ["done"] * 4)
    assert sweep.alone("naive", tmp_path / "alone") == 0
    same(out, tmp_path / "alone")
