"""`cbench logs`: what submitted runs printed."""

from typing import Annotated

import typer

from cbench.cli.options import RESULTS, ResultsFolder
from cbench.errors import unknown
from cbench.jobs.job import read_jobs, tail


def verb(
    run: Annotated[str, typer.Argument(help="The run's name (`cbench status`); all runs by default.")] = "",
    results: ResultsFolder = RESULTS,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last lines.")] = 20,
) -> None:
    """The end of each job's log."""
    jobs = {job.chain: job for job in read_jobs(results)}
    name = run.removesuffix(".json")
    if name and name not in jobs:
        raise unknown("run", name, jobs)
    for job in [jobs[name]] if name else jobs.values():
        typer.echo(f"{job.chain} ({job.executor} {job.id or 'not started'}):")
        for line in tail(job.log)[-lines:]:
            typer.echo(f"  {line}")
