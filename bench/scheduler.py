"""Chains: a run is one chain of tasks, worked on by one process at a time; several processes share out the
chains of a folder."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from cbench.errors import BadInput, Interrupted
from cbench.plan import Plan
from cbench.record.files import read_record
from cbench.record.record import Record
from cbench.results import finished, record_path
from cbench.store.lease import busy, lease
from cbench.utils.interrupt import stop_requested

if TYPE_CHECKING:  # it brings torch
    from cbench.workbench import Workbench


def lease_path(plan: Plan, out: Path) -> Path:
    """The claim of whoever works on a run."""
    return out / "claims" / record_path(plan, out).stem


@contextmanager
def has_lease(name: str, out: Path) -> Iterator[Record]:
    """The record of this file name as it is now, while no other process works on its run: what is added to it
    is not lost."""
    with lease(out / "claims" / Path(name).stem):
        yield read_record(out / "records" / name)


def in_turn(plans: Sequence[Plan], out: Path, device: str) -> Iterator[Record]:
    """The records of some runs of one track and suite: those that nobody works on first; at the end those of
    other processes.

    The first that is not there yet opens a workbench, and all share it: backbone and encoders are loaded
    once."""
    left = list(plans)
    bench = cache(lambda: _open(plans[0], out, device))
    while left:
        plan = next((p for p in left if not busy(lease_path(p, out))), left[0])
        left.remove(plan)
        yield _one(plan, out, bench)


def _one(plan: Plan, out: Path, bench: Callable[[], "Workbench"]) -> Record:
    """The run's record: the stored one where it is complete, else a new one. Interrupted says where it
    stood."""
    found = finished(plan, out)
    if found:
        return found
    with lease(lease_path(plan, out)):
        return finished(plan, out) or _work(plan, out, bench)


def _work(plan: Plan, out: Path, bench: Callable[[], "Workbench"]) -> Record:
    from cbench.progress import Clock, progress, work_of

    title, clock = (
        f"{plan.suite} {plan.method_ref.label} order {plan.order} seed {plan.seed}",
        Clock(work_of(plan)),
    )
    try:
        with progress(title, clock) as tell:
            opened = bench()
            from cbench.runner import run

            opened.tell = tell
            return run(plan, opened, out)
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or stop_requested()):
            raise
        raise Interrupted(f"interrupted in {title} after {clock.standing()}; what is done is kept") from error


def _open(plan: Plan, out: Path, device: str) -> "Workbench":
    """Backbone, encoders and store for the plan's track and suite; BadInput where `auto` finds only a CPU for
    a large track."""
    from cbench.backbone.device import silence_libraries

    silence_libraries()  # before the libraries that speak when they are imported
    from cbench.backbone.device import pick, too_slow
    from cbench.store.store import Store
    from cbench.workbench import Workbench

    picked = pick(device)
    if device == "auto" and too_slow(plan.track.backbone.resolution, picked):
        raise BadInput(
            f"track {plan.track.name} needs a GPU and torch sees none here; --device cpu insists, --dry-run "
            "tells how long"
        )
    return Workbench(
        plan.track.of(plan.suite), Store(out / "store"), picked, lambda stage, count, seconds: None
    )
