"""Runs one after the other; several processes share the runs of a results folder, one process a run at a
time."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cbench.board import group
from cbench.errors import BadInput, Interrupted, gpu_lost
from cbench.plan import Plan
from cbench.record.record import Record
from cbench.results import Results, run_name
from cbench.store.lease import busy
from cbench.utils.interrupt import stop_requested

if TYPE_CHECKING:  # they bring torch
    from cbench.board_progress import Ticker
    from cbench.progress import Clock, Progress
    from cbench.workbench import Workbench


class Outcome(NamedTuple):
    """A run and its record, or the error that ended it."""

    plan: Plan
    record: Record | None = None
    error: Exception | None = None


def in_turn(
    plans: Sequence[Plan], results: Results, device: str, watch: "Ticker | None" = None
) -> Iterator[Outcome]:
    """Runs of one track, suite by suite: first those of which no process works on a run of the same group,
    which shares trainings, last those that other processes work on.

    Of a suite the first run without a record opens a workbench, and all share it: backbone and encoders are
    loaded once. A run that fails does not stop the others, unless it is the only one, or what failed is the
    machine. `watch` shows the progress of all runs; without it each shows its own."""
    suites = list(dict.fromkeys(plan.suite for plan in plans))
    left = sorted(plans, key=lambda plan: suites.index(plan.suite))
    bench, failed = _opener(results, device), 0
    while left:
        plan = _next(left, plans, results)
        left.remove(plan)
        try:
            outcome = Outcome(plan, _one(plan, results, partial(bench, plan), watch))
        except Exception as error:
            if len(plans) == 1 or _stops_all(error):
                raise
            outcome, failed = Outcome(plan, error=error), failed + 1
        if watch:
            watch(failed, now=True)
        yield outcome


def _next(left: Sequence[Plan], plans: Sequence[Plan], results: Results) -> Plan:
    taken = [plan for plan in plans if busy(results.lease_path(run_name(plan)))]
    groups = {group(plan) for plan in taken}
    alone = (plan for plan in left if group(plan) not in groups)
    free = (plan for plan in left if plan not in taken)
    return next(alone, None) or next(free, left[0])


def _stops_all(error: Exception) -> bool:
    """Whether every other run would fail alike: a stop was asked for, or the disk or the GPU failed."""
    return isinstance(error, Interrupted | OSError) or gpu_lost(error) or stop_requested()


def _one(
    plan: Plan, results: Results, bench: Callable[[], "Workbench"], watch: "Ticker | None" = None
) -> Record:
    """The run's record: the stored one if it is complete, else a new one."""
    record = results.finished(plan)
    if record:
        return record
    with results.working(run_name(plan)):
        _notice(plan, results)
        return results.finished(plan) or _work(plan, results, bench, watch)


def _notice(plan: Plan, results: Results) -> None:
    """Say on standard error that a stored record is made again: other code wrote it, or it has lost
    entries."""
    record = results.stored(plan)
    if record and record.source == plan.source and record.learned >= plan.limit and results.lost(record):
        print(
            f"{run_name(plan)}: {results.lost(record)} stored results that its record cites are damaged or "
            "gone; they are made again",
            file=sys.stderr,
        )
    if record and record.source != plan.source:
        changed = _changes(record, plan)
        print(
            f"{run_name(plan)}: {changed} since its record was written; it is made again, and stored results "
            "of equal inputs are reused",
            file=sys.stderr,
        )


def _changes(record: Record, plan: Plan) -> str:
    old, new = record.source, plan.source
    if old is None:
        return f"the code of {record.method.label} may have changed (the record does not name it)"
    parts = [
        f"{what} of {record.method.label} changed"
        for what, one, two in (
            ("the code", old.code, new.code),
            ("the default options", old.options, new.options),
            ("the package", (old.package, old.version), (new.package, new.version)),
        )
        if one != two
    ]
    return " and ".join(parts)


def _work(plan: Plan, results: Results, bench: Callable[[], "Workbench"], watch: "Ticker | None") -> Record:
    """The run, with its progress shown. Interrupted says how far it came."""
    from cbench.progress import Clock, progress
    from cbench.workload import workload

    title = f"{plan.suite} {plan.method_ref.label} order {plan.order} seed {plan.seed}"
    stored = results.stored(plan)
    metrics = {*plan.metrics, *(stored.scores if stored else ())}
    clock = Clock(workload(plan, len(metrics)))
    try:
        with _of_board(clock, watch) if watch else progress(title, clock) as show:
            opened = bench()
            from cbench.runner import run

            return run(plan, opened, results, show)
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or stop_requested()):
            raise
        raise Interrupted(f"interrupted in {title} after {clock.standing()}; what is done is kept") from error


@contextmanager
def _of_board(clock: "Clock", watch: "Ticker") -> "Iterator[Progress]":
    """Progress of a run among others: counted, and shown as part of the board's."""

    def show(stage: str, count: int, seconds: float) -> None:
        clock.add(stage, count, seconds)
        watch(watch.progress.failed)

    yield show


def _opener(results: Results, device: str) -> Callable[[Plan], "Workbench"]:
    """Opens the workbench of a plan's suite, at its first use; one at a time is in memory."""
    opened: dict[str, Workbench] = {}

    def bench(plan: Plan) -> "Workbench":
        if plan.suite not in opened:
            opened.clear()
            opened[plan.suite] = _open(plan, results, device)
        return opened[plan.suite]

    return bench


def _open(plan: Plan, results: Results, device: str) -> "Workbench":
    """The workbench of the plan's track and suite; BadInput if `auto` finds only a CPU for a large track."""
    from cbench.backbone.device import pick, silence_libraries, too_slow

    silence_libraries()  # before the import of libraries that speak at their import
    from cbench.plugins.check_captions import first_lines, shared_captions, texts
    from cbench.stages.optimizer import fallback, fallback_line
    from cbench.workbench import open_workbench

    if device == "auto" and too_slow(plan.track.backbone.resolution, pick(device)):
        raise BadInput(
            f"track {plan.track.name} needs a GPU and torch sees none here; pass --device cpu to run anyway; "
            "--dry-run estimates the time"
        )
    for line in first_lines(shared_captions(plan.stream)):
        print(f"{plan.suite}: {line}", file=sys.stderr)
    training = plan.track.of(plan.suite).training
    if plan.method.trains and fallback(training, pick(device)):
        print(
            f"{plan.track.name}: {fallback_line(training, pick(device))}; the record says so", file=sys.stderr
        )
    return open_workbench(plan.track.of(plan.suite), results, device, texts(plan.stream))
