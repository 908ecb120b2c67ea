"""`cbench run`: one run, or all orders and seeds of a track."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, Device, ResultsFolder, TrackName, names, pairs, suites
from cbench.errors import BadInput, unknown
from cbench.jobs.job import Job, job_of
from cbench.jobs.profile import Profile, open_profile
from cbench.plan import plans
from cbench.plugins.by_path import is_path
from cbench.record.record import Record
from cbench.results import Results

EXECUTORS = ("inline", "local", "slurm")
JOBS = "Jobs (--executor local or slurm)"


def verb(
    method: Annotated[
        str,
        typer.Option(
            "--method",
            envvar="CBENCH_METHOD",
            help="The method: a name (`cbench ls methods`), FILE.py:Class or MODULE:Class.",
            autocompletion=names("methods"),
        ),
    ],
    suite: Annotated[
        str,
        typer.Option(
            "--suite",
            envvar="CBENCH_SUITE",
            help="The suite's name (`cbench ls suites`).",
            autocompletion=suites,
        ),
    ],
    track: TrackName = "mini",
    order: Annotated[
        int | None, typer.Option("--order", help="Permutation of the tasks; the track's first by default.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Training seed; the track's first by default.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All orders and seeds of the track.")] = False,
    options: Annotated[
        list[str] | None, typer.Option("--set", help="An option of the method, name=value; may be repeated.")
    ] = None,
    results: ResultsFolder = RESULTS,
    limit_tasks: Annotated[
        int | None, typer.Option("--limit-tasks", help="Learn only the first N tasks.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with expected time and disk; do nothing.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
    executor: Annotated[
        str,
        typer.Option(
            help="inline (in this process), local (processes of this machine), slurm.", rich_help_panel=JOBS
        ),
    ] = "inline",
    profile: Annotated[
        Path | None, typer.Option(help="A YAML file with a job's resources.", rich_help_panel=JOBS)
    ] = None,
    partition: Annotated[str | None, typer.Option(help="SLURM partition.", rich_help_panel=JOBS)] = None,
    account: Annotated[str | None, typer.Option(help="SLURM account.", rich_help_panel=JOBS)] = None,
    gpus: Annotated[int | None, typer.Option(help="GPUs per job.", rich_help_panel=JOBS)] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            help="Time limit per job in hours; timed-out jobs are requeued and resume.", rich_help_panel=JOBS
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Jobs at a time.", rich_help_panel=JOBS)] = None,
) -> None:
    """Run a method on a suite and store the record."""
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    flags = {"partition": partition, "account": account, "gpus": gpus, "hours": hours, "workers": workers}
    if executor == "inline" and (profile or any(value is not None for value in flags.values())):
        raise BadInput(
            "--profile, --partition, --account, --gpus, --hours and --workers need --executor slurm or local"
        )
    if executor != "inline" and is_path(method):
        raise BadInput(
            f"--executor {executor} needs an installed method; `cbench new method NAME` begins a package"
        )
    resources, folder = open_profile(profile, flags), Results(results)
    asked = plans(track, suite, method, pairs(options or []), order, seed, every, limit_tasks)
    if dry_run:
        from cbench.preflight.estimate import estimate

        typer.echo(estimate(asked, folder, device, as_json))
        return
    folder.check()
    if executor != "inline":
        jobs = [job_of(plan, results, track, options or [], device, executor) for plan in asked]
        _submit(jobs, resources, executor, device)
        return
    from cbench.scheduler import in_turn

    for record in in_turn(asked, folder, device):
        _print(record, as_json)


def _submit(jobs: list[Job], resources: Profile, executor: str, device: str) -> None:
    """Submit the jobs, or run them in processes of this machine."""
    from cbench.jobs.executor import run_local, submit

    if executor == "slurm":
        for job in submit(jobs, resources):
            typer.echo(f"submitted {job.chain} as job {job.id}")
        return
    for job in run_local(jobs, resources, device):
        typer.echo(f"done {job.chain}")


def _print(record: Record, as_json: bool) -> None:
    from cbench.leaderboard.run_text import run_text

    if as_json:
        typer.echo(json.dumps(json.loads(record.model_dump_json())))
    else:
        typer.echo(run_text(record))
