"""`cbench tune`: choose a method's strengths by a fixed number of trials on a validation stream."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cbench.board import RunSet, board
from cbench.cli.options import (
    RESULTS,
    Account,
    Device,
    Executor,
    Gpus,
    Hours,
    Partition,
    ProfileFile,
    ResultsFolder,
    TrackName,
    Workers,
    listed,
    names,
    pairs,
    resources,
    suites,
)
from cbench.errors import BadInput, CbenchError, Incomplete
from cbench.jobs.launch import How, Outcome, estimated, launch
from cbench.plan import Plan, open_track
from cbench.plugins import registry
from cbench.plugins.methods import make_method, method_class, whole_options
from cbench.plugins.streams import open_stream, spec_of
from cbench.record.record import TrackRef
from cbench.results import Results, run_name
from cbench.search_space import Range, design, space_of
from cbench.track import Track
from cbench.tuning import (
    OBJECTIVE,
    SearchRange,
    Trial,
    Tuning,
    Validation,
    best,
    check_apart,
    objective_of,
    validation_of,
    write_track,
    write_tuning,
)

Values = dict[str, float | int]


class Search(NamedTuple):
    """The trials of one method on one suite."""

    method: str
    suite: str
    fixed: dict[str, str]
    space: dict[str, Range]
    points: list[Values]

    def runs(self, validation: Validation) -> list[RunSet]:
        """A run for each trial."""
        spec = validation.specs[self.suite]
        return [
            RunSet(
                self.method,
                {name: (str(value),) for name, value in {**self.fixed, **point}.items()},
                [self.suite],
                [spec.order],
                [spec.seed],
            )
            for point in self.points
        ]


def verb(
    method: Annotated[
        list[str],
        typer.Option(
            "--method",
            help="A method with options to tune (`cbench ls methods`); several with commas, or repeated.",
            autocompletion=names("methods"),
        ),
    ],
    suite: Annotated[
        list[str],
        typer.Option(
            "--suite", help="The suite to tune for; several with commas, or repeated.", autocompletion=suites
        ),
    ],
    track: TrackName = "mini",
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="How many values are tried, the same for every method.")
    ] = 8,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", help="An option that all trials share, name=value; may be repeated."),
    ] = None,
    validation: Annotated[
        Path | None,
        typer.Option("--validation", help="A stream's YAML file to try on; by default what the track names."),
    ] = None,
    results: ResultsFolder = RESULTS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan with expected time and disk; do nothing.")
    ] = False,
    device: Device = "auto",
    executor: Executor = "inline",
    profile: ProfileFile = None,
    partition: Partition = None,
    account: Account = None,
    gpus: Gpus = None,
    hours: Hours = None,
    workers: Workers = None,
) -> None:
    """Every trial is a run on the validation stream with a seed of its own; the value with the highest
    average score of the suite's first metric is written to a file for `cbench run --tuned`. A repeated
    command resumes."""
    flags = {"partition": partition, "account": account, "gpus": gpus, "hours": hours, "workers": workers}
    how, folder = How(executor, resources(executor, profile, flags), device), Results(results / "tuning")
    protocol = open_track(track)
    wanted = listed("--suite", suite, protocol.suites)
    for name in wanted:
        spec_of(protocol, name)
    if validation and len(wanted) > 1:
        raise BadInput("--validation is the stream of one suite; give one --suite")
    trial_track = validation_of(protocol, wanted, validation)
    searches = [
        search(name, one, pairs(options or []), trials)
        for name in listed("--method", method, registry.entries("methods"))
        for one in wanted
    ]
    plans = board(trial_track.track, [run for one in searches for run in one.runs(trial_track)])
    for name in wanted:
        check_apart(next(p.stream for p in plans if p.suite == name), open_stream(protocol, name), name)
    if dry_run:
        typer.echo(estimated(plans, folder, how, as_json=False))
        return
    folder.check()
    path = folder.root / f"{trial_track.track.name}.yaml"
    write_track(trial_track.track, path)
    failures = run_trials(plans, folder, how, str(path))
    for one in searches:
        tuning = choose(one, plans, folder, protocol, failures)
        target = folder.root / f"{protocol.name}-{one.suite}-{one.method}.json"
        write_tuning(tuning, target)
        typer.echo(text(tuning, target))


def search(method: str, suite: str, fixed: dict[str, str], trials: int) -> Search:
    """The trials of a method; BadInput if it declares nothing to tune."""
    cls: Any = method_class(method)
    make_method(method, fixed)  # a wrong option is named before anything runs
    space = {name: one for name, one in space_of(cls).items() if name not in fixed}
    if not space:
        raise BadInput(
            f"method {method} has no option to tune; a method declares one with cbench.tunable(default, low, "
            "high)"
        )
    return Search(method, suite, fixed, space, design(space, whole_options(method), trials))


def run_trials(plans: Sequence[Plan], folder: Results, how: How, track: str) -> dict[str, str]:
    """Run -> why it failed, of the trials that fail whenever they are run. Incomplete if others are not done:
    the same command resumes."""
    failed: dict[str, Outcome] = {}

    def report(outcome: Outcome) -> None:
        if outcome.failure:
            failed[outcome.name] = outcome
        elif outcome.job:
            typer.echo(f"submitted {outcome.name} as job {outcome.job}")

    try:
        launch(plans, folder, how, track, report)
    except Incomplete:
        if any(outcome.code != BadInput.code for outcome in failed.values()):
            raise
    except CbenchError as error:  # a single run raises its own error
        if len(plans) > 1 or error.code != BadInput.code:
            raise
        failed[run_name(plans[0])] = Outcome(run_name(plans[0]), failure=str(error), code=error.code)
    waiting = [plan for plan in plans if not folder.finished(plan) and run_name(plan) not in failed]
    if waiting:
        raise Incomplete(
            f"{len(waiting)} of {len(plans)} trials are not done; run the same command again when `cbench "
            f"status --results {folder.root}` says that they are"
        )
    return {name: outcome.failure for name, outcome in failed.items()}


def choose(
    one: Search, plans: Sequence[Plan], folder: Results, protocol: Track, failures: dict[str, str]
) -> Tuning:
    """The tuning of one method on one suite, from its finished trials. BadInput if all failed."""
    metric = protocol.suites[one.suite].metrics[0]
    mine = {
        tuple(getattr(plan.method, name) for name in one.space): plan
        for plan in plans
        if (plan.method.name, plan.suite) == (one.method, one.suite)
    }
    trials = list[Trial]()
    for point in one.points:
        plan = mine[tuple(point.values())]
        record = folder.finished(plan)
        value = objective_of(record, metric) if record else None
        trials.append(Trial(options=point, value=value, failure=failures.get(run_name(plan), "")))
    if all(trial.value is None for trial in trials):
        raise BadInput(f"all trials of {one.method} on {one.suite} failed; the first: {trials[0].failure}")
    return Tuning(
        method=one.method,
        version=plan.method.version,
        track=TrackRef(name=protocol.name, version=protocol.version, digest=protocol.digest),
        suite=one.suite,
        stream=plan.stream_digest,
        order=plan.order,
        seed=plan.seed,
        objective=f"{OBJECTIVE} of {metric}",
        fixed={name: getattr(plan.method, name) for name in one.fixed},
        space={name: SearchRange(**span._asdict()) for name, span in one.space.items()},
        trials=tuple(trials),
        chosen=best(trials).options,
    )


def text(tuning: Tuning, path: Path) -> str:
    """The trials in their order, the chosen one marked, and how to use it."""
    lines = [f"{tuning.method} on {tuning.suite}: {tuning.objective}, of {len(tuning.trials)} trials"]
    for trial in tuning.trials:
        options = ", ".join(f"{name}={value}" for name, value in trial.options.items())
        value = trial.failure if trial.value is None else f"{trial.value:.4f}"
        lines.append(f"{'*' if trial.options == tuning.chosen else ' '} {options:<30} {value}")
    run = f"cbench run --method {tuning.method} --suite {tuning.suite} --tuned {path}"
    return "\n".join([*lines, f"use it with: {run}"])
