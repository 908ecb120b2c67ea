"""`cbench run`: one run, or all orders and seeds of a track."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import AsJson, Out, pairs
from cbench.errors import BadInput, unknown
from cbench.jobs.job import Job, job_of
from cbench.jobs.profile import Profile, open_profile
from cbench.plan import plans
from cbench.record.record import Record
from cbench.results import check_folder

EXECUTORS = ("here", "local", "slurm")


def verb(
    method: Annotated[
        str, typer.Option("--method", envvar="CBENCH_METHOD", help="The method's name (`cbench ls methods`).")
    ],
    suite: Annotated[
        str, typer.Option("--suite", envvar="CBENCH_SUITE", help="The suite's name (`cbench ls suites`).")
    ],
    track: Annotated[str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol.")] = "mini",
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
    out: Out = Path("results"),
    limit_tasks: Annotated[
        int | None, typer.Option("--limit-tasks", help="Learn only the first N tasks.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with expected time and disk; do nothing.")
    ] = False,
    device: Annotated[
        str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")
    ] = "auto",
    executor: Annotated[
        str, typer.Option(help="here (in this process), local (processes of this machine), slurm.")
    ] = "here",
    profile: Annotated[
        Path | None, typer.Option(help="A file with what a job may use (bench/profile.py).")
    ] = None,
    partition: Annotated[str | None, typer.Option(help="SLURM's partition.")] = None,
    account: Annotated[str | None, typer.Option(help="SLURM's account.")] = None,
    gpus: Annotated[int | None, typer.Option(help="GPUs of each job.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="Hours of each start of a job; it is requeued and goes on.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Jobs at a time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a method on a suite and store the record."""
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    flags = {"partition": partition, "account": account, "gpus": gpus, "hours": hours, "workers": workers}
    if executor == "here" and (profile or any(value is not None for value in flags.values())):
        raise BadInput(
            "--profile, --partition, --account, --gpus, --hours and --workers are for --executor slurm or "
            "local"
        )
    means = open_profile(profile, flags)
    asked = plans(track, suite, method, pairs(options or []), order, seed, every, limit_tasks)
    if dry_run:
        from cbench.preflight.estimate import estimate

        typer.echo(estimate(asked, out, device, as_json))
        return
    check_folder(out)
    if executor != "here":
        _send(
            [job_of(plan, out, track, options or [], device, executor) for plan in asked],
            means,
            executor,
            device,
        )
        return
    from cbench.scheduler import in_turn

    for entry in in_turn(asked, out, device):
        _tell(entry, as_json)


def _send(jobs: list[Job], means: Profile, executor: str, device: str) -> None:
    """Submit the jobs, or work them off here."""
    from cbench.jobs.executor import run_local, submit

    if executor == "slurm":
        for job in submit(jobs, means):
            typer.echo(f"submitted {job.chain} as job {job.id}")
        return
    for job in run_local(jobs, means, device):
        typer.echo(f"done {job.chain}")


def _tell(entry: Record, as_json: bool) -> None:
    from cbench.leaderboard.run_text import run_text

    if as_json:
        typer.echo(json.dumps(json.loads(entry.model_dump_json())))
    else:
        typer.echo(run_text(entry))
