"""A job: one chain of a sweep as a command to run by itself; its results go to the results folder."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cbench.errors import BadInput
from cbench.jobs.code_digest import code_digest
from cbench.plan import Plan, open_track
from cbench.results import Results, run_name
from cbench.utils.files import write_atomically
from cbench.utils.names import Slug
from cbench.utils.text import first_error, one_line, read_text
from cbench.utils.values import Frozen


class Job(Frozen):
    """A job, stored as `jobs/<chain>.json`. Calling it runs the command and returns the exit code."""

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
    """The executor's id; empty while the job waits for a free worker."""
    owner: str = ""
    """The process that starts the job, if there is no queue."""

    def __call__(self) -> int:
        """Run the chain. An error is one line in the log."""
        from cbench.cli import call

        try:
            self.check()
        except BadInput as error:
            print(f"cbench: {error}", file=sys.stderr)
            return error.code
        return call(list(self.words))

    def checkpoint(self) -> Any:
        """The job to requeue after preemption or a timeout: itself; finished stages are in the store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def check(self) -> None:
        """Raises BadInput if the code or the track changed after the submission."""
        from cbench.plugins.methods import method_class

        if code_digest(method_class(self.method)) != self.code:
            raise BadInput("the code changed after this job was submitted; submit it again")
        if open_track(self.track).digest != self.track_digest:
            raise BadInput(f"track {self.track} changed after this job was submitted; submit it again")

    @property
    def path(self) -> Path:
        """The path of the job file."""
        return Results(Path(self.out)).jobs_folder / f"{self.chain}.json"

    @property
    def log(self) -> Path:
        """The standard error of all starts of the job."""
        return Results(Path(self.out)).jobs_folder / "log" / self.id / f"{self.id}_0_log.err"

    def save(self, **changes: str) -> "Job":
        """Change some fields and write the job file; the changed job."""
        job = self.model_copy(update=changes)
        job.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(job.path, job.model_dump_json(indent=1) + "\n")
        return job


def job_of(plan: Plan, out: Path, track: str, options: list[str], device: str, executor: str) -> Job:
    """The job that runs one plan."""
    out = out.absolute()
    track = str(Path(track).absolute()) if track.endswith((".yaml", ".yml")) else track
    words = ["run", "--method", plan.method.name, "--suite", plan.suite, "--track", track]
    words += ["--results", str(out), "--device", device]
    words += [f"--order={plan.order}", f"--seed={plan.seed}", f"--limit-tasks={plan.limit}"]
    words += [word for option in options for word in ("--set", option)]
    return Job(
        chain=run_name(plan),
        method=plan.method.name,
        track=track,
        track_digest=plan.track.digest,
        code=code_digest(type(plan.method)),
        words=tuple(words),
        out=str(out),
        tasks=plan.limit,
        executor=executor,
    )


def read_jobs(out: Path) -> list[Job]:
    """The jobs of a results folder, by name. Raises BadInput if there are none or a job file is invalid."""
    paths = sorted(Results(out).jobs_folder.glob("*.json"))
    if not paths:
        raise BadInput(f"no jobs in {out}; `cbench run --executor slurm` or `local` submits them")
    return [read_job(path) for path in paths]


def read_job(path: Path) -> Job:
    """The job in a file; its results folder is the file's present one, whatever the file says."""
    try:
        fields = json.loads(read_text(path, "job"))
        return Job.model_validate(fields | {"out": os.fspath(path.parent.parent)})
    except ValidationError as error:
        raise BadInput(f"job {path}: {first_error(error)}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not a valid job file") from error


TAIL = 64 * 1024
"""Bytes at the end of a log that are searched for its last line."""


def last_line(job: Job) -> str:
    """The last line of a job's log, preferably an error of cbench; empty without a log."""
    lines = tail(job.log)
    errors = [line for line in lines if line.startswith("cbench: ")] or lines
    return one_line(errors[-1], 300) if errors else ""


def tail(path: Path) -> list[str]:
    """The last lines of a log that are not empty; none without a log."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line for line in map(one_line, text.splitlines()) if line]
