"""What runs in a job's process, in place of submitit's own module, which unpickles what it finds: reads the
job's JSON, runs the job and writes its exit code as JSON.

submitit's signals stay: out of time or preempted, the job is requeued."""

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field
from submitit.core.job_environment import JobEnvironment

from cbench.errors import BadInput
from cbench.jobs.job import Job, parse_job
from cbench.jobs.submission import Submission
from cbench.utils.files import write_atomically
from cbench.utils.interrupt import stoppable
from cbench.utils.text import read_text
from cbench.utils.values import Frozen

PATIENCE = 60
"""Seconds that the submission may take to appear: a queue may start a job before it is moved to its place."""


class Envelope(Frozen):
    """A submission's file."""

    job: Job
    timeout_min: int = Field(ge=0)
    timeouts: int


def main(words: Sequence[str]) -> int:
    """Run the job of the folder that is the last of submitit's words; the exit code."""
    os.environ["SUBMITIT_FOLDER"] = words[-1]
    environment = JobEnvironment()
    paths = environment.paths
    try:
        submission = read_submission(paths.submitted_pickle)
    except BadInput as error:
        print(f"cbench: {error}", file=sys.stderr)
        return error.code
    with stoppable():
        environment._handle_signals(paths, submission)
        code: int = submission.result()
    write_atomically(paths.folder / f"{paths.job_id}_exit.json", json.dumps({"code": code}) + "\n")
    return code


def read_submission(path: Path) -> Submission:
    """The submission in a file; BadInput if it is none, or does not appear."""
    end = time.monotonic() + PATIENCE
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.1)
    read = parse_job(Envelope, read_text(path, "job"), path)
    submission = Submission(read.job)
    submission.set_timeout(read.timeout_min, read.timeouts)
    return submission


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
