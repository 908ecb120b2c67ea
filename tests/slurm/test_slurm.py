"""A sweep on a real SLURM (`tests/slurm/start`): jobs are preempted, lose their node, run out of time, and
end with the right bytes."""

import os
from pathlib import Path

import pytest

from cbench.record.files import read_record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("CBENCH_SLURM" not in os.environ, reason="CBENCH_SLURM=1, after tests/slurm/start"),
]


def adapters(out: Path) -> dict[str, int]:
    """The stored adapters, each with the moment when it was written."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob("store/adapters/*/*")}


def ended_right(cli, sweep, method: str, out: Path, alone: Path, before: dict[str, int]) -> None:
    """The records are those of an undisturbed run, and what was finished before the fault was not made
    again."""
    assert before.items() <= adapters(out).items()
    assert cli("status", "--results", out)[0] == 0 and cli("verify", "--results", out)[0] == 0
    assert sweep.alone(method, alone) == 0
    for one, two in zip(
        sorted((out / "records").glob("*.json")), sorted((alone / "records").glob("*.json")), strict=True
    ):
        assert (
            one.name == two.name
            and read_record(one).scores == read_record(two).scores
            and read_record(one).kept == read_record(two).kept
        )


def test_preempted_jobs_go_on(cli, cluster, sweep, states, tmp_path):
    out = sweep("merge_init")
    cluster.wait(lambda: len(adapters(out)) >= 2)
    other = cluster.occupy()
    cluster.wait(lambda: cluster.restarts() == 2 and states(out) == ["waiting"] * 2)
    before = adapters(out)
    cluster.shell("scancel", other)
    cluster.wait(lambda: cluster.hasten() or states(out) == ["done"] * 2)
    ended_right(cli, sweep, "merge_init", out, tmp_path / "alone", before)


def test_job_of_a_node_that_dies_goes_on_at_another(cli, cluster, sweep, states, tmp_path):
    out = sweep("naive")
    cluster.wait(lambda: len(adapters(out)) >= 2 and len(cluster.queue("running")) == 2)
    cluster.power_off("n1")
    before = adapters(out)
    cluster.wait(lambda: cluster.restarts() == 1)
    cluster.wait(lambda: cluster.hasten() or states(out) == ["done"] * 2)
    cluster.power_on("n1")
    ended_right(cli, sweep, "naive", out, tmp_path / "alone", before)


def test_timed_out_job_is_requeued_and_goes_on(cli, cluster, sweep, states, tmp_path):
    """The signal that SLURM sends before a job's time is over, here at a moment of our choice; the log then
    says so."""
    out = sweep("merge_init", "--hours", "0.1")
    cluster.wait(lambda: len(adapters(out)) >= 2 and len(cluster.queue("running")) == 2)
    for job in cluster.queue("running"):
        cluster.shell("scancel", "--signal=USR2", job)
    cluster.wait(lambda: cluster.restarts() == 2)
    before = adapters(out)
    cluster.wait(lambda: cluster.hasten() or states(out) == ["done"] * 2)
    assert all("this job is timed-out" in path.read_text() for path in out.glob("jobs/log/*/*_log.err"))
    ended_right(cli, sweep, "merge_init", out, tmp_path / "alone", before)


def test_code_that_changed_while_the_job_waited_is_refused(cli, cluster, sweep, states, tmp_path):
    other = cluster.occupy()
    out = sweep("half_merge")
    method = tmp_path / "site" / "cbench_example" / "method.py"
    method.write_text(method.read_text() + "\n# better now\n")
    cluster.shell("scancel", other)
    cluster.wait(lambda: states(out) == ["failed"] * 2)
    assert (
        "the code changed after this job was submitted; submit it again" in cli("status", "--results", out)[1]
    )
    assert not adapters(out)
