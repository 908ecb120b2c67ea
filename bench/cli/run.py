"""`cbench run`: the runs of one or several methods and suites, on one, several or all orders and seeds."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbench.board import RunSet, board, read_runs, sets_of
from cbench.cli.options import (
    RESULTS,
    AsJson,
    Device,
    ResultsFolder,
    TrackName,
    listed,
    names,
    option_sets,
    suites,
)
from cbench.errors import BadInput, unknown
from cbench.jobs.profile import Profile, open_profile
from cbench.plan import Plan, choices, open_track
from cbench.plugins import registry
from cbench.results import Results
from cbench.track import Track

if TYPE_CHECKING:
    from cbench.jobs.launch import Outcome

EXECUTORS = ("inline", "local", "slurm")
JOBS = "Jobs (--executor local or slurm)"


def verb(
    context: typer.Context,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            envvar="CBENCH_METHOD",
            help="A method's name (`cbench ls methods`); several with commas, or repeated.",
            autocompletion=names("methods"),
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(
            "--suite",
            envvar="CBENCH_SUITE",
            help="A suite's name (`cbench ls suites`); several with commas, or repeated.",
            autocompletion=suites,
        ),
    ] = None,
    track: TrackName = "mini",
    order: Annotated[
        int | None, typer.Option("--order", help="Permutation of the tasks; the track's first by default.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Training seed; the track's first by default.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All orders and seeds of the track.")] = False,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="An option of the methods, name=value, or of one, method.name=value; values with commas are "
            "a run each; may be repeated.",
        ),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option("--runs", help="A YAML file with the runs, in place of --method, --suite and --set."),
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
    """Run methods on suites and store the records. Work that runs share is done once; a repeated command
    resumes."""
    flags = {"partition": partition, "account": account, "gpus": gpus, "hours": hours, "workers": workers}
    resources, folder = _resources(executor, profile, flags), Results(results)
    given = {"--method": method, "--suite": suite, "--set": options, "--order": order, "--seed": seed}
    if runs:
        _only_runs({**given, "--all": every})
        file = read_runs(runs)
        if file.track and context.get_parameter_source("track").name != "DEFAULT":
            raise BadInput(f"runs file {runs} names its track; leave out --track (or CBENCH_TRACK)")
        track = file.track or track
        protocol = open_track(track)
        sets = sets_of(file, protocol)
    else:
        protocol = open_track(track)
        sets = asked(protocol, method, suite, options, order, seed, every)
    plans = board(protocol, sets, limit_tasks)
    if dry_run:
        typer.echo(_estimate(plans, folder, device, executor, resources, as_json))
        return
    folder.check()
    from cbench.jobs.launch import How, launch

    def report(outcome: "Outcome") -> None:
        _print(outcome, as_json, alone=len(plans) == 1 and executor == "inline")

    launch(plans, folder, How(executor, resources, device, track), report)


def _resources(executor: str, profile: Path | None, flags: dict[str, Any]) -> Profile:
    """The resources of a job; BadInput for flags that the executor has no use for."""
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    if executor == "inline" and (profile or any(value is not None for value in flags.values())):
        raise BadInput(
            "--profile, --partition, --account, --gpus, --hours and --workers need --executor slurm or local"
        )
    return open_profile(profile, flags)


def _only_runs(given: dict[str, Any]) -> None:
    """BadInput for an option beside a file of runs, which says the same."""
    for option, value in given.items():
        if value not in (None, [], False):
            variable = {"--method": " (or CBENCH_METHOD)", "--suite": " (or CBENCH_SUITE)"}.get(option, "")
            raise BadInput(
                f"--runs names methods, suites, options, orders and seeds; leave out {option}{variable}"
            )


def asked(
    track: Track,
    method: list[str] | None,
    suite: list[str] | None,
    options: list[str] | None,
    order: int | None,
    seed: int | None,
    every: bool,
) -> list[RunSet]:
    """The runs that the options ask for, in the order of the methods."""
    if not method:
        raise BadInput("Missing option '--method', or --runs with a file of runs")
    if not suite:
        raise BadInput(f"Missing option '--suite'; track {track.name} has {', '.join(track.suites)}")
    methods = listed("--method", method, registry.entries("methods"))
    chosen = listed("--suite", suite, track.suites)
    orders, seeds = choices(track, "order", order, every), choices(track, "seed", seed, every)
    values = option_sets(options or [], methods)
    return [RunSet(name, values[name], chosen, orders, seeds) for name in methods]


def _estimate(
    plans: Sequence[Plan], folder: Results, device: str, executor: str, resources: Profile, as_json: bool
) -> str:
    """What the runs would do and cost, by as many processes as the executor would start."""
    from cbench.preflight.estimate import estimate

    workers = 1
    if executor == "local":
        import torch

        from cbench.jobs.executor import worker_count

        workers = worker_count(resources, device, len(plans))
        torch.set_num_threads(resources.cpus)  # of a worker, not of this process
    elif executor == "slurm":
        workers = resources.workers or len(plans)
    return estimate(plans, folder, device, workers, as_json)


def _print(outcome: "Outcome", as_json: bool, alone: bool) -> None:
    """The run in full if it is alone, else a line."""
    if as_json and outcome.record:
        typer.echo(json.dumps(json.loads(outcome.record.model_dump_json())))
    elif alone and outcome.record:
        from cbench.leaderboard.run_text import run_text

        typer.echo(run_text(outcome.record))
    elif outcome.failure:
        typer.echo(f"failed {outcome.name}: {outcome.failure}", err=True)
    elif outcome.job:
        typer.echo(f"submitted {outcome.name} as job {outcome.job}")
    else:
        typer.echo(f"done {outcome.name}")
