"""`cbench run`: one run, or all orders and seeds of a track."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import AsJson, Out, pairs
from cbench.plan import Plan, check_folder, plans
from cbench.record import Record


def verb(
    method: Annotated[str, typer.Option("--method", envvar="CBENCH_METHOD", help="The method's name (`cbench ls methods`).")],
    suite: Annotated[str, typer.Option("--suite", envvar="CBENCH_SUITE", help="The suite's name (`cbench ls suites`).")],
    track: Annotated[str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol.")] = "mini",
    order: Annotated[int | None, typer.Option("--order", help="Permutation of the tasks; the track's first by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Training seed; the track's first by default.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All orders and seeds of the track.")] = False,
    options: Annotated[list[str] | None, typer.Option("--set", help="An option of the method, name=value; may be repeated.")] = None,
    out: Out = Path("results"),
    limit_tasks: Annotated[int | None, typer.Option("--limit-tasks", help="Learn only the first N tasks.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan with expected time and disk; do nothing.")] = False,
    device: Annotated[str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Run a method on a suite and store the record."""
    asked = plans(track, suite, method, pairs(options or []), order, seed, every, limit_tasks)
    if dry_run:
        from cbench.estimate import estimate

        typer.echo(estimate(asked, out, device, as_json))
        return
    check_folder(out)
    for plan in asked:
        _tell(_one(plan, out, device), as_json)


def _one(plan: Plan, out: Path, device: str) -> Record:
    """The run's record: the stored one where it is complete, else a new one."""
    from cbench.finished import finished

    found = finished(plan, out)
    if found:
        return found
    from cbench.device import pick
    from cbench.progress import progress, work_of
    from cbench.runner import run
    from cbench.store import Store
    from cbench.workbench import Workbench

    title = f"{plan.suite} {plan.method_ref.label} order {plan.order} seed {plan.seed}"
    with progress(title, work_of(plan)) as tell:
        return run(plan, Workbench(plan.track, Store(out / "store"), pick(device), tell), out)


def _tell(entry: Record, as_json: bool) -> None:
    from cbench.leaderboard.run_text import run_text

    if as_json:
        typer.echo(json.dumps(json.loads(entry.model_dump_json())))
    else:
        typer.echo(run_text(entry))
