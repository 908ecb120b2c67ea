"""A job: one chain of a sweep as a command to run by itself; its results go to the results folder."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from cbench.errors import BadInput, Incomplete
from cbench.jobs.code_digest import code_digest
from cbench.plan import Plan, open_track
from cbench.record.files import read_record
from cbench.record.record import MethodSource, Record
from cbench.results import Results, run_name
from cbench.utils.files import make_folder, write_atomically
from cbench.utils.names import RunName, Slug
from cbench.utils.text import first_error, one_line, read_text
from cbench.utils.values import Frozen

Part = TypeVar("Part", bound=BaseModel)


class Job(Frozen):
    """A job, stored as `jobs/<chain>.json`. Calling it runs the command and returns the exit code."""

    chain: RunName
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
    source: MethodSource | None = None
    """The code and the options that the record of this job must name."""
    folder: Annotated[str, Field(pattern="^[0-9a-f]{0,32}$")] = ""
    """The folder of the submission below `jobs/log`, no other's; empty in notes of before: it had the id."""
    id: Annotated[str, Field(pattern="^([0-9]+(_[0-9]+)?)?$")] = ""
    """The executor's own; empty while the job waits for a free worker."""
    owner: str = ""
    """Where no queue starts the job: the process that starts it, and once it runs, its own."""

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
        """What is requeued when the job is preempted or out of time: itself, for the store remembers the
        rest."""
        from cbench.jobs.submission import Submission

        return Submission(self)

    def check(self) -> None:
        """Raises BadInput if the code or the track changed after the submission."""
        from cbench.plugins.methods import method_class
        from cbench.plugins.source import code_of

        method: Any = method_class(self.method)
        changed = self.source is not None and code_of(method) != self.source.code
        if changed or code_digest(method) != self.code:
            raise BadInput("the code changed after this job was submitted; submit it again")
        if open_track(self.track).digest != self.track_digest:
            raise BadInput(f"track {self.track} changed after this job was submitted; submit it again")

    @property
    def path(self) -> Path:
        """The path of the job file."""
        return Results(Path(self.out)).jobs_folder / f"{self.chain}.json"

    @property
    def log_folder(self) -> Path:
        """Where the executor keeps what belongs to this submission."""
        return Results(Path(self.out)).jobs_folder / "log" / (self.folder or self.id)

    @property
    def log(self) -> Path:
        """What the job prints to standard error, of all its starts."""
        return self.log_folder / f"{self.id}_0_log.err"

    @property
    def exit_path(self) -> Path:
        """The exit code of the job's process, once it has ended by itself."""
        return self.log_folder / f"{self.id}_exit.json"

    @property
    def exit_code(self) -> int:
        """The exit code of the job's process; that of unfinished work if it was killed."""
        try:
            return int(json.loads(self.exit_path.read_text())["code"])
        except (OSError, ValueError, TypeError, KeyError):
            return Incomplete.code

    def record(self) -> Record | None:
        """The record of the job's run, if there is one, of the job's track and code."""
        path = Results(Path(self.out)).record_path(self.chain)
        try:
            record = read_record(path) if path.is_file() else None
        except BadInput:
            return None
        if record is None or record.track.digest != self.track_digest:
            return None
        return record if self.source in (None, record.source) else None

    def done(self) -> bool:
        """Whether the record has all tasks of the job: it alone is believed, no process and no exit code."""
        record = self.record()
        return record is not None and record.learned >= self.tasks

    def save(self, **changes: str) -> "Job":
        """Change some fields and write the job file; the changed job."""
        job = self.model_copy(update=changes)
        make_folder(job.path.parent)
        write_atomically(job.path, job.model_dump_json(indent=1) + "\n")
        return job


def job_of(plan: Plan, out: Path, track: str, device: str, executor: str) -> Job:
    """The job that runs one plan."""
    out = out.absolute()
    track = str(Path(track).absolute()) if track.endswith((".yaml", ".yml")) else track
    words = ["run", "--method", plan.method.name, "--suite", plan.suite, "--track", track]
    words += ["--results", str(out), "--device", device]
    words += [f"--order={plan.order}", f"--seed={plan.seed}", f"--limit-tasks={plan.limit}"]
    options = plan.method_ref.options
    words += [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    words += ["--tuned", str(plan.tuning_file.absolute())] if plan.tuning_file else []
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
        source=plan.source,
    )


def read_jobs(out: Path) -> list[Job]:
    """The jobs of a results folder, by name. Raises BadInput if there are none or a job file is invalid."""
    paths = sorted(Results(out).jobs_folder.glob("*.json"))
    if not paths:
        raise BadInput(f"no jobs in {out}; `cbench run --executor slurm` or `local` submits them")
    return [read_job(path) for path in paths]


def read_job(path: Path) -> Job:
    """The job in a file. Its folder is where the file lies now, whatever the file says."""
    job = parse_job(Job, read_text(path, "job"), path)
    return job.model_copy(update={"out": os.fspath(path.parent.parent)})


def parse_job(kind: type[Part], text: str, path: Path) -> Part:
    """The values in the JSON text of a job's file; BadInput names the file and the field."""
    try:
        return kind.model_validate({**json.loads(text)})
    except ValidationError as error:
        raise BadInput(f"job {path}: {first_error(error)}; submit the run again") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{path} is not a valid job file; submit the run again") from error


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
