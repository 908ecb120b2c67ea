"""`cbench run`: the runs of one or several methods and suites, on one, several or all orders and seeds."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cbench.board import RunSet, board, read_runs, sets_of, track_of
from cbench.cli.options import (
    RESULTS,
    Account,
    AsJson,
    Device,
    Executor,
    Gpus,
    Hours,
    Partition,
    ProfileFile,
    ResultsFolder,
    TrackName,
    Workers,
    is_default,
    listed,
    names,
    option_sets,
    resources,
    suites,
)
from cbench.errors import BadInput
from cbench.jobs.launch import How, Outcome, estimated, launch
from cbench.plan import choices, open_track
from cbench.plugins import registry
from cbench.plugins.by_path import is_path
from cbench.results import Results
from cbench.track import Track
from cbench.tuning import read_tuning


def verb(
    context: typer.Context,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            envvar="CBENCH_METHOD",
            help="A name (`cbench ls methods`), FILE.py:Class or MODULE:Class; several with commas, or "
            "repeated.",
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
    tuned: Annotated[
        list[Path] | None,
        typer.Option(
            "--tuned", help="A file of `cbench tune`, whose options a method takes; one for each suite."
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
    executor: Executor = "inline",
    profile: ProfileFile = None,
    partition: Partition = None,
    account: Account = None,
    gpus: Gpus = None,
    hours: Hours = None,
    workers: Workers = None,
) -> None:
    """Run methods on suites and store the records. Work that runs share is done once; a repeated command
    resumes."""
    flags = {"partition": partition, "account": account, "gpus": gpus, "hours": hours, "workers": workers}
    how, folder = How(executor, resources(executor, profile, flags), device), Results(results)
    if runs:
        given = {"--method": method, "--suite": suite, "--set": options, "--tuned": tuned}
        _only_runs({**given, "--order": order, "--seed": seed, "--all": every})
        file = read_runs(runs)
        if file.track and not is_default(context, "track"):
            raise BadInput(f"runs file {runs} names its track; leave out --track (or CBENCH_TRACK)")
        track = track_of(file, runs.parent) or track
        protocol = open_track(track)
        sets = sets_of(file, runs.parent, protocol)
    else:
        protocol = open_track(track)
        sets = asked(protocol, method, suite, options, order, seed, every, tuned)
    if executor != "inline" and any(is_path(one.method) for one in sets):
        raise BadInput(
            f"--executor {executor} needs an installed method: make it a package (docs/tutorials/method.md)"
        )
    plans = board(protocol, sets, limit_tasks)
    if dry_run:
        typer.echo(estimated(plans, folder, how, as_json))
        return
    folder.check()

    def report(outcome: Outcome) -> None:
        _print(outcome, as_json, alone=len(plans) == 1 and executor == "inline")

    launch(plans, folder, how, track, report)


def _only_runs(given: dict[str, Any]) -> None:
    """BadInput for an option beside a file of runs, which says the same."""
    for option, value in given.items():
        if value is not None and value is not False and value != []:
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
    tuned: list[Path] | None,
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
    files: dict[str, list[Path]] = {name: [] for name in methods}
    for path in tuned or []:
        of = read_tuning(path).method
        if of not in files:
            raise BadInput(f"tuning file {path} is of {of}, which is not asked for")
        files[of].append(path)
    return [RunSet(name, values[name], chosen, orders, seeds, files[name]) for name in methods]


def _print(outcome: Outcome, as_json: bool, alone: bool) -> None:
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
