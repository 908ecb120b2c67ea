"""`cbench status`: where submitted runs stand."""

import json
import sys
from collections import Counter

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.errors import Incomplete, Unreachable
from cbench.jobs.job import read_jobs
from cbench.jobs.status import JobStatus, job_status, queue


def verb(results: ResultsFolder = RESULTS, as_json: AsJson = False) -> None:
    """Every job with its state, tasks done and time left; exit code 0: all are done, 3: some are not."""
    jobs = read_jobs(results)
    try:
        queued = queue(jobs)
    except Unreachable as error:
        queued = None
        print(f"cbench: {error}; the states of queued jobs are unknown", file=sys.stderr)
    states = [job_status(job, queued) for job in jobs]
    if as_json:
        typer.echo(json.dumps([one._asdict() for one in states]))
    else:
        for one in states:
            typer.echo(line(one))
    counts = Counter(one.state for one in states)
    if counts["done"] < len(states):
        raise Incomplete(", ".join(f"{n} {state}" for state, n in sorted(counts.items())))


def line(one: JobStatus) -> str:
    """`running  3/10  1:02:03 left  mini-objects-naive-o0-s0`, and of a failed job why."""
    from cbench.progress import clock

    left = f"{clock(one.seconds_left)} left" if one.seconds_left is not None else ""
    why = f"  {one.last or 'no log'}" if one.state == "failed" else ""
    return f"{one.state:<8} {one.done:>3}/{one.tasks:<3} {left:<14} {one.chain}{why}"
