"""The status of the jobs of a results folder, from the folder alone (and SLURM's queue for queued jobs)."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from cbench.errors import Unreachable
from cbench.jobs.job import Job, last_line
from cbench.record.record import Record
from cbench.results import Results
from cbench.store.lease import busy
from cbench.utils.process import is_dead
from cbench.utils.text import one_line

State = Literal["done", "running", "waiting", "failed", "unknown"]


PATIENCE = 60
"""Seconds to wait for an answer of SLURM's queue."""


ENDED = {
    *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"),
}
"""SLURM's states of jobs that have ended."""


class JobStatus(NamedTuple):
    """A job's state and progress."""

    chain: str
    state: State
    done: int
    tasks: int
    seconds_left: float | None
    """Estimated from the finished tasks; None before the first, and if nothing is running or waiting."""
    last: str
    """The last line of a failed job's log."""


def job_status(job: Job, queued: dict[str, str] | None) -> JobStatus:
    """A job's state; `queued` are the states of SLURM's queue by job id, None where the queue does not
    answer."""
    record = job.record()
    done = min(record.learned, job.tasks) if record else 0
    state: State = "done" if done == job.tasks else _state(job, queued)
    left = remaining(record, job.tasks) if record and state in ("running", "waiting") else None
    return JobStatus(job.chain, state, done, job.tasks, left, last_line(job) if state == "failed" else "")


def _state(job: Job, queued: dict[str, str] | None) -> State:
    if busy(Results(Path(job.out)).lease_path(job.chain)):
        return "running"
    if job.executor == "slurm" and queued is None:
        return "unknown"
    if job.executor == "slurm" and queued and job.id in queued:
        return "running" if queued[job.id] in ("RUNNING", "COMPLETING") else "waiting"
    if job.executor == "local" and not job.id and job.owner and not is_dead(job.owner):
        return "waiting"
    return "running" if job.executor == "local" and _just_started(job) else "failed"


def _just_started(job: Job) -> bool:
    """Whether a local job's process lives and has not claimed its chain yet."""
    return bool(job.id and job.owner) and not is_dead(job.owner) and not job.exit_path.exists()


def remaining(record: Record, tasks: int) -> float:
    """Estimated seconds for the remaining tasks: training grows with the tasks, cells with their square."""
    learned, costs = max(1, record.learned), record.costs
    cells = learned * (learned + 1) / 2 + len(record.tasks)
    more = tasks * (tasks + 1) / 2 - learned * (learned + 1) / 2
    return (
        costs.train_seconds / learned * (tasks - learned)
        + (costs.sample_seconds + costs.score_seconds) / cells * more
    )


def queue(jobs: Sequence[Job]) -> dict[str, str]:
    """Job id -> state in SLURM's queue; empty without SLURM. Raises Unreachable if it does not answer."""
    ids = {job.id.split("_")[0] for job in jobs if job.executor == "slurm" and job.id}
    if not ids or not shutil.which("squeue"):
        return {}
    words = ["squeue", "--noheader", "--array", "--format=%i|%F_%K|%T", "--states=all"]
    try:
        result = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"squeue did not answer within {PATIENCE} seconds") from error
    if result.returncode:
        reason = one_line(result.stderr, 300) or f"exit code {result.returncode}"
        raise Unreachable(f"squeue failed: {reason}")
    rows = [line.strip().split("|") for line in result.stdout.splitlines() if line.count("|") == 2]
    return {name: state for one, other, state in rows if state not in ENDED for name in (one, other)}
