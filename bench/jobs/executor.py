"""Submits jobs through submitit: to SLURM's queue, or to processes on this machine."""

import os
import shlex
import sys
import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from cbench.errors import BadInput, Incomplete, Interrupted
from cbench.jobs.job import Job, last_line
from cbench.jobs.profile import Profile
from cbench.utils.process import owner_of, process_id
from cbench.utils.text import one_line

PAUSE = 0.2
"""Seconds between two checks of the running processes."""


Worker = tuple[Job, Any]
"""A job and its process."""


def submit(jobs: Sequence[Job], profile: Profile) -> list[Job]:
    """Submit the jobs to SLURM as one array and save them with their ids. Raises BadInput if SLURM is absent
    or rejects them."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    from cbench.jobs.submission import Submission

    jobs = _apart(jobs)
    try:
        executor = _executor("slurm", jobs[0], profile)
        executor.update_parameters(**_slurm(profile, len(jobs)))
        submitted = executor._internal_process_submissions([Submission(job) for job in jobs])
    except (RuntimeError, ValueError, OSError, FailedJobError, FailedSubmissionError) as error:
        raise BadInput(f"SLURM rejected the jobs: {one_line(error, 300)}") from error
    return [job.save(id=queued.job_id) for job, queued in zip(jobs, submitted, strict=True)]


def _apart(jobs: Sequence[Job]) -> list[Job]:
    """The jobs in a folder of this submission's own: ids of processes and queues come again."""
    folder = uuid.uuid4().hex
    return [job.model_copy(update={"folder": folder}) for job in jobs]


class Overseer:
    """Decides and sees what local jobs do; this one starts them in their order and says nothing."""

    def choose(self, waiting: Sequence[Job], running: Sequence[Job]) -> Job:
        """The waiting job to start next, beside the running ones."""
        return waiting[0]

    def ended(self, job: Job, done: bool) -> None:
        """A job's process has ended; `done` if its record is there."""

    def tick(self) -> None:
        """Called several times a second."""


def run_local(
    jobs: Sequence[Job], profile: Profile, device: str, overseer: Overseer | None = None
) -> list[Job]:
    """Run the jobs in processes of this machine, at most one for each core (or GPU). Raises Incomplete if
    some fail, after all others are done.

    An interrupt is passed on to the processes; finished results are kept."""
    gpus, overseer = _gpus(device), overseer or Overseer()
    slots = _slots(profile, len(gpus), len(jobs))
    waiting = [job.save(owner=process_id(), id="") for job in jobs]
    running, done, failed = dict[int, Worker](), list[Job](), list[Job]()
    try:
        while waiting or running:
            for slot in [slot for slot in slots if slot not in running][: len(waiting)]:
                job = overseer.choose(waiting, [job for job, _ in running.values()])
                waiting.remove(job)
                running[slot] = _start(job, profile, gpus[slot : slot + 1])
            for slot in [slot for slot, (_, process) in running.items() if process.done()]:
                job, _ = running.pop(slot)
                (done if job.done() else failed).append(job)
                overseer.ended(job, job not in failed)
            overseer.tick()
            time.sleep(PAUSE)
    except KeyboardInterrupt as stop:
        for _, process in running.values():
            process.cancel()
        raise Interrupted(
            f"interrupted after {len(done) + len(failed)} of {len(jobs)} runs; finished results are kept"
        ) from stop
    if failed:
        raise Incomplete(
            f"{len(failed)} of {len(jobs)} runs failed; {failed[0].chain}: {why_failed(failed[0])}"
        )
    return done


def why_failed(job: Job) -> str:
    """The last line of a failed job's log."""
    return last_line(job) or "it was killed"


def _start(job: Job, profile: Profile, gpus: Sequence[str]) -> Worker:
    """The job in its own process, which sees only these GPUs."""
    from cbench.jobs.submission import Submission

    (job,) = _apart([job])
    executor = _executor("local", job, profile)
    # submitit's own setting can only name the first GPUs
    devices = [f"export CUDA_VISIBLE_DEVICES={shlex.quote(','.join(gpus))}"] if gpus else []
    setup = [*devices, *profile.setup]
    executor.update_parameters(timeout_min=_minutes(profile), **({"local_setup": setup} if setup else {}))
    (process,) = executor._internal_process_submissions([Submission(job)])
    return job.save(id=process.job_id, owner=owner_of(int(process.job_id))), process


def _minutes(profile: Profile) -> int:
    return max(1, round(profile.hours * 60))


def _executor(cluster: Literal["slurm", "local"], job: Job, profile: Profile) -> Any:
    import submitit

    # submitit puts the name of its own module behind this; ours takes the last word alone, the folder
    worker = f"{shlex.quote(sys.executable)} -m cbench.jobs.worker"
    options: Any = {f"{cluster}_max_num_timeout": profile.requeues, f"{cluster}_python": worker}
    return submitit.AutoExecutor(folder=job.log_folder, cluster=cluster, **options)


def _slurm(profile: Profile, count: int) -> dict[str, Any]:
    """The profile as submitit's parameters."""
    parameters = {
        "name": "cbench",
        "timeout_min": _minutes(profile),
        "cpus_per_task": profile.cpus,
        "gpus_per_node": profile.gpus or None,
        "mem_gb": profile.memory_gb,
        "slurm_partition": profile.partition,
        "slurm_account": profile.account,
        "slurm_setup": [*profile.setup, f"export OMP_NUM_THREADS={profile.cpus}"],
        "slurm_array_parallelism": min(count, profile.workers or count),
        "slurm_additional_parameters": {"requeue": True, **profile.extra},
    }
    return {key: value for key, value in parameters.items() if value is not None}


def _slots(profile: Profile, gpus: int, jobs: int) -> range:
    """Slots for processes: one for each GPU, if there are GPUs; else as many as the cores allow.

    The threads of a process do not depend on the number of slots: the order of sums depends on the
    threads."""
    by_cores = max(1, len(os.sched_getaffinity(0)) // profile.cpus)
    os.environ["OMP_NUM_THREADS"] = str(profile.cpus)  # inherited by the processes started from here
    return range(min(profile.workers or by_cores, gpus or by_cores, jobs))


def worker_count(profile: Profile, device: str, jobs: int) -> int:
    """How many local processes run at a time."""
    return len(_slots(profile, len(_gpus(device)), jobs))


def _gpus(device: str) -> tuple[str, ...]:
    """The machine's names of the GPUs for the jobs; none on a CPU. Raises BadInput for `cuda:1`."""
    if device.startswith("cuda:"):
        raise BadInput(
            f"--device {device}: each local process uses one GPU; choose GPUs with CUDA_VISIBLE_DEVICES and "
            "pass --device cuda"
        )
    if device not in ("auto", "cuda"):
        return ()
    import torch

    count, named = torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",") if named else map(str, range(count)))[:count]
