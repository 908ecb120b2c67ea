"""Sends jobs away through submitit: to SLURM's queue, or to a few processes on this machine."""

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

PAUSE = 0.2


Seated = tuple[Job, Any]
"""A job, and its process."""


def submit(jobs: Sequence[Job], profile: Profile) -> list[Job]:
    """Put the jobs into SLURM's queue, as one array; they are noted with their ids. BadInput where SLURM is
    absent or says no."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    from cbench.jobs.submission import Submission

    jobs = _apart(jobs)
    try:
        executor = _executor("slurm", jobs[0], profile)
        executor.update_parameters(**_slurm(profile, len(jobs)))
        sent = executor._internal_process_submissions([Submission(job) for job in jobs])
    except (RuntimeError, ValueError, OSError, FailedJobError, FailedSubmissionError) as error:
        raise BadInput(f"SLURM did not take the jobs: {' '.join(str(error).split())[:300]}") from error
    return [job.note(id=queued.job_id) for job, queued in zip(jobs, sent, strict=True)]


def _apart(jobs: Sequence[Job]) -> list[Job]:
    """The jobs in a folder of this submission's own: ids of processes and queues come again."""
    folder = uuid.uuid4().hex
    return [job.model_copy(update={"folder": folder}) for job in jobs]


def work_off(jobs: Sequence[Job], profile: Profile, device: str) -> list[Job]:
    """Run the jobs in processes of this machine, never more at a time than it has cores (or GPUs, on them).
    Incomplete names what failed.

    An interrupt is passed on to the processes, which keep what they have.
    """
    gpus = _gpus(device)
    seats = _seats(profile, len(gpus), len(jobs))
    waiting, running, ended = (
        [job.note(owner=process_id(), id="") for job in jobs],
        dict[int, Seated](),
        list[Seated](),
    )
    try:
        while waiting or running:
            for seat in [seat for seat in seats if seat not in running][: len(waiting)]:
                running[seat] = _start(waiting.pop(0), profile, gpus[seat : seat + 1])
            for seat in [seat for seat, (_, process) in running.items() if process.done()]:
                ended.append(running.pop(seat))
            time.sleep(PAUSE)
    except KeyboardInterrupt as stop:
        for _, process in running.values():
            process.cancel()
        raise Interrupted(
            f"interrupted after {len(ended)} of {len(jobs)} runs; what is done is kept"
        ) from stop
    failed = [job for job, _ in ended if not job.done()]
    if failed:
        first = failed[0]
        raise Incomplete(
            f"{len(failed)} of {len(jobs)} runs failed; {first.chain}: {last_line(first) or 'it was killed'}"
        )
    return [job for job, _ in ended]


def _start(job: Job, profile: Profile, gpus: Sequence[str]) -> Seated:
    """The job in a process of its own, which sees these GPUs alone."""
    from cbench.jobs.submission import Submission

    (job,) = _apart([job])
    executor = _executor("local", job, profile)
    sees = (
        [f"export CUDA_VISIBLE_DEVICES={shlex.quote(','.join(gpus))}"] if gpus else []
    )  # submitit itself knows only the first ones
    setup = [*sees, *profile.setup]
    executor.update_parameters(
        timeout_min=max(1, round(profile.hours * 60)), **({"local_setup": setup} if setup else {})
    )
    (process,) = executor._internal_process_submissions([Submission(job)])
    return job.note(id=process.job_id, owner=owner_of(int(process.job_id))), process


def _executor(cluster: Literal["slurm", "local"], job: Job, profile: Profile) -> Any:
    import submitit

    # submitit puts the name of its own module behind this; ours takes the last word alone, the folder
    worker = f"{shlex.quote(sys.executable)} -m cbench.jobs.worker"
    options: Any = {f"{cluster}_max_num_timeout": profile.requeues, f"{cluster}_python": worker}
    return submitit.AutoExecutor(folder=job.log_folder, cluster=cluster, **options)


def _slurm(profile: Profile, count: int) -> dict[str, Any]:
    """The profile in submitit's words."""
    told = {
        "name": "cbench",
        "timeout_min": max(1, round(profile.hours * 60)),
        "cpus_per_task": profile.cpus,
        "gpus_per_node": profile.gpus or None,
        "mem_gb": profile.memory_gb,
        "slurm_partition": profile.partition,
        "slurm_account": profile.account,
        "slurm_setup": [*profile.setup, f"export OMP_NUM_THREADS={profile.cpus}"],
        "slurm_array_parallelism": min(count, profile.workers or count),
        "slurm_additional_parameters": {"requeue": True, **profile.extra},
    }
    return {key: value for key, value in told.items() if value is not None}


def _seats(profile: Profile, gpus: int, jobs: int) -> range:
    """Places to work at: one a GPU where there are GPUs, else as many as the cores hold processes of the
    profile's threads.

    How many work side by side has no say in a process's threads: another number of threads adds up in another
    order."""
    room = max(1, len(os.sched_getaffinity(0)) // profile.cpus)
    os.environ["OMP_NUM_THREADS"] = str(profile.cpus)  # for the processes that are started from here
    return range(min(profile.workers or room, gpus or room, jobs))


def _gpus(device: str) -> tuple[str, ...]:
    """The GPUs to spread jobs over, as the machine calls them; none on another device. BadInput where one GPU
    is meant."""
    if device.startswith("cuda:"):
        raise BadInput(
            f"--device {device}: processes are spread over GPUs, each sees one; CUDA_VISIBLE_DEVICES says "
            "which, --device cuda"
        )
    if device not in ("auto", "cuda"):
        return ()
    import torch

    count, named = torch.cuda.device_count(), os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(named.split(",") if named else map(str, range(count)))[:count]
