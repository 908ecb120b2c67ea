"""A job: one chain of a sweep, sent away to run by itself. All it needs to know is the command; all it leaves
is in the results folder."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cbench.code import code_digest
from cbench.errors import BadInput
from cbench.finished import record_path
from cbench.plan import Plan, open_track
from cbench.read import first_fault, read_text
from cbench.slug import Slug
from cbench.store import write_whole
from cbench.track import Frozen


class Job(Frozen):
    """What is known of a job, kept as `jobs/<chain>.json`. Called, it runs the command and gives its exit
    code."""

    chain: Slug
    """The name of the run's record, without its suffix."""
    method: Slug
    track: str
    track_digest: str
    code: str
    """Digest of the code at submission."""
    words: tuple[str, ...]
    out: str
    tasks: int
    executor: str
    id: str = ""
    """The executor's own; empty while the job waits for a free worker."""
    owner: str = ""
    """The process that starts the job, where no queue does."""

    def __call__(self) -> int:
        """Run the chain. What went wrong is one line in the log."""
        from cbench.cli import call

        try:
            self.check()
        except BadInput as error:
            print(f"cbench: {error}", file=sys.stderr)
            return error.code
        return call(list(self.words))

    def checkpoint(self) -> Any:
        """What is requeued when the job is preempted or out of time: itself, for the store remembers the
        rest."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def check(self) -> None:
        """BadInput where the code or the track are no longer those of the submission."""
        from cbench.make_method import method_class

        if code_digest(method_class(self.method)) != self.code:
            raise BadInput("the code changed after this job was submitted; submit it again")
        if open_track(self.track).digest != self.track_digest:
            raise BadInput(f"track {self.track} changed after this job was submitted; submit it again")

    @property
    def path(self) -> Path:
        """Where the note of this job lies."""
        return Path(self.out) / "jobs" / f"{self.chain}.json"

    @property
    def log(self) -> Path:
        """What the job prints to standard error, of all its starts."""
        return Path(self.out) / "jobs" / "log" / self.id / f"{self.id}_0_log.err"

    def note(self, **changes: str) -> "Job":
        """The job with some fields changed, written down."""
        job = self.model_copy(update=changes)
        job.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(job.path, job.model_dump_json(indent=1) + "\n")
        return job


def job_of(plan: Plan, out: Path, track: str, options: list[str], device: str, executor: str) -> Job:
    """The job that runs one plan."""
    out, place = out.absolute(), str(Path(track).absolute()) if track.endswith((".yaml", ".yml")) else track
    words = [
        "run",
        "--method",
        plan.method.name,
        "--suite",
        plan.suite,
        "--track",
        place,
        "--out",
        str(out),
        "--device",
        device,
    ]
    words += [f"--order={plan.order}", f"--seed={plan.seed}", f"--limit-tasks={plan.limit}"]
    words += [word for option in options for word in ("--set", option)]
    return Job(
        chain=record_path(plan, out).stem,
        method=plan.method.name,
        track=place,
        track_digest=plan.track.digest,
        code=code_digest(type(plan.method)),
        words=tuple(words),
        out=str(out),
        tasks=plan.limit,
        executor=executor,
    )


def read_jobs(out: Path) -> list[Job]:
    """The jobs of a results folder, by name; BadInput where there are none, or a note is no note."""
    paths = sorted((out / "jobs").glob("*.json"))
    if not paths:
        raise BadInput(f"no jobs in {out}; `cbench run --executor slurm` or `local` submits them")
    return [read_job(path) for path in paths]


def read_job(path: Path) -> Job:
    """The job in a file. Its folder is where the file lies now, whatever the file says."""
    try:
        told = json.loads(read_text(path, "job"))
        return Job.model_validate(told | {"out": os.fspath(path.parent.parent)})
    except ValidationError as error:
        raise BadInput(f"job {path}: {first_fault(error)}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"job {path} is no job") from error
