"""Where jobs stand, from what is in the results folder."""

import json
import os
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.jobs.job import Job, last_line, read_jobs
from cbench.jobs.status import job_status, queue, remaining
from cbench.record.record import MethodSource
from cbench.results import Results
from cbench.utils.process import process_id

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
OTHER = MethodSource(package="p", version="1", code="other")


@pytest.fixture
def make_job(tmp_path):
    def make(**changes) -> Job:
        about = {
            "chain": "mini-objects-naive-o0-s0",
            "method": "naive",
            "track": "mini",
            "track_digest": "d" * 64,
            "code": "c",
            "words": ("run",),
        }
        return Job(
            **(about | {"out": str(tmp_path), "tasks": 4, "executor": "slurm", "id": "7_0"} | changes)
        ).save()

    return make


def record(tmp_path, learned):
    build.write(tmp_path, [build.make_record(learned=learned)])


def test_done(make_job, tmp_path):
    record(tmp_path, 4)
    assert job_status(make_job(), {})[1:4] == ("done", 4, 4)


def test_done_where_fewer_tasks_were_asked_for(make_job, tmp_path):
    record(tmp_path, 2)
    assert job_status(make_job(tasks=2), {}).state == "done"


def test_running_has_a_remaining_time(make_job, tmp_path):
    record(tmp_path, 2)
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "mini-objects-naive-o0-s0").write_text(process_id())
    found = job_status(make_job(), {})
    assert found.state == "running" and found.done == 2
    assert found.seconds_left == pytest.approx(60 / 2 * 2 + 105 / 7 * 7), (
        "two trainings, seven cells of the ten are left"
    )


def test_claim_of_a_node_that_died_is_no_work(make_job, tmp_path):
    (tmp_path / "claims").mkdir()
    claim = tmp_path / "claims" / "mini-objects-naive-o0-s0"
    claim.write_text("another-boot.1.2.3")
    assert job_status(make_job(), {}).state == "running"
    os.utime(claim, (0, 0))
    assert job_status(make_job(), {}).state == "failed"


@pytest.mark.parametrize(
    ("queued", "state"),
    [("PENDING", "waiting"), ("RUNNING", "running"), ("REQUEUED", "waiting"), ("SUSPENDED", "waiting")],
)
def test_queue_is_believed(make_job, queued, state):
    assert job_status(make_job(), {"7_0": queued}).state == state


def test_failed_tells_its_last_line(make_job):
    job = make_job()
    assert job_status(job, {}).state == "failed" and job_status(job, {}).last == ""
    job.log.parent.mkdir(parents=True)
    job.log.write_text("step 1\ncbench: the loss is nan\nnoise of a library\n\n")
    assert job_status(job, {}).last == "cbench: the loss is nan" == last_line(job)


def test_local_job_waits_for_a_seat_while_its_owner_lives(make_job):
    assert job_status(make_job(executor="local", id="", owner=process_id()), {}).state == "waiting"
    gone = process_id().rsplit(".", 2)[0] + ".999999999.1"
    assert job_status(make_job(executor="local", id="", owner=gone), {}).state == "failed"


@pytest.mark.parametrize("changes", [{"digest": "e" * 64}, {"source": OTHER}], ids=["track", "code"])
def test_a_record_of_another_track_or_code_is_not_the_jobs(make_job, tmp_path, changes):
    results = Results(tmp_path)
    results.check()
    results.write(build.make_record(**changes))
    about = OTHER.model_copy(update={"code": "mine"}) if "source" in changes else None
    assert job_status(make_job(source=about), {})[1:4] == ("failed", 0, 4)
    assert job_status(
        make_job(source=changes.get("source"), track_digest=changes.get("digest", "d" * 64)), {}
    ).done


def test_a_live_local_job_that_has_not_claimed_its_chain_runs(make_job, tmp_path):
    job = make_job(executor="local", folder="a" * 32, id=str(os.getpid()), owner=process_id())
    assert job_status(job, {}).state == "running"
    job.exit_path.parent.mkdir(parents=True)
    job.exit_path.write_text('{"code": 2}')
    assert job_status(job, {}).state == "failed"
    reused = process_id().rpartition(".")[0] + ".1"
    assert job_status(make_job(executor="local", id=str(os.getpid()), owner=reused), {}).state == "failed"


@pytest.mark.parametrize("field", ["id", "folder"])
@pytest.mark.parametrize("value", ["../../x", "..", "/tmp", "7/../..", "٧", "7_", "x\n"])
def test_ids_never_leave_their_folder(make_job, tmp_path, field, value):
    note = make_job().path
    note.write_text(json.dumps(json.loads(note.read_text()) | {field: value}))
    with pytest.raises(BadInput, match=f"job {note}: {field}: .*; submit the run again"):
        read_jobs(tmp_path)


def test_names_of_a_run_may_be_longer_than_a_slug(make_job):
    assert make_job(chain="c" * 235).chain == "c" * 235
    with pytest.raises(ValueError, match="240 bytes"):
        make_job(chain="語" * 81)


def test_a_record_with_nothing_learned_has_a_remaining_time():
    assert remaining(build.make_record(learned=1), 4) > 0


def test_notes_are_read_from_where_they_lie(make_job, tmp_path):
    make_job()
    tmp_path.rename(tmp_path.with_name("moved"))
    assert [job.out for job in read_jobs(tmp_path.with_name("moved"))] == [str(tmp_path.with_name("moved"))]


def test_no_slurm_no_queue(make_job, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert queue([make_job()]) == {}


def test_status_and_logs(cli, make_job, tmp_path, monkeypatch):
    monkeypatch.setenv(
        "PATH", "/nowhere"
    )  # a queue of this machine knows nothing of the job, or has another of its number
    job = make_job()
    job.log.parent.mkdir(parents=True)
    job.log.write_text("cbench: the loss is nan\n")
    code, output, error = cli("status", "--results", tmp_path)
    assert code == 3 and "failed     0/4" in output and "the loss is nan" in output and "1 failed" in error
    assert "the loss is nan" in cli("logs", job.chain, "--results", tmp_path)[1]
    assert cli("logs", "mini-objects-naiv-o0-s0", "--results", tmp_path)[0] == 2
    record(tmp_path, 4)
    assert cli("status", "--results", tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("squeue", "line"),
    [
        (
            "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
            "squeue failed: slurm_load_jobs error: Unable",
        ),
        ("exit 1", "squeue failed: exit code 1;"),
        ("exec sleep 60", "squeue did not answer within 1 seconds"),
    ],
)
def test_a_queue_that_does_not_answer_fails_no_job(cli, make_job, tmp_path, monkeypatch, squeue, line):
    make_job()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "squeue").write_text(f"#!/bin/sh\n{squeue}\n")
    (tmp_path / "bin" / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr("cbench.jobs.status.PATIENCE", 1)
    code, output, error = cli("status", "--results", tmp_path)
    assert code == 3 and output.startswith("unknown    0/4") and line in error
    assert error.count("\n") == 2 and error.endswith("cbench: 1 unknown\n")
    record(tmp_path, 4)
    assert cli("status", "--results", tmp_path)[:2] == (
        0,
        "done       4/4                  mini-objects-naive-o0-s0\n",
    )
