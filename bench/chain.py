"""Chains: a run is one chain of tasks, worked on by one process at a time; several processes share out the chains of a folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cbench.claim import busy, claim
from cbench.errors import BadInput, Interrupted
from cbench.finished import finished, record_path
from cbench.plan import Plan
from cbench.record import Record, read
from cbench.stop import asked

if TYPE_CHECKING:  # it brings torch
    from cbench.workbench import Workbench

    Benches = dict[tuple[str, str], Workbench]

LARGE = 512
"""Pixels of a side from which on a run takes days on a CPU."""


def claim_path(plan: Plan, out: Path) -> Path:
    """The claim of whoever works on a run."""
    return out / "claims" / record_path(plan, out).stem


@contextmanager
def held(name: str, out: Path) -> Iterator[Record]:
    """The record of this file name as it is now, while no other process works on its run: what is added to it is not lost."""
    with claim(out / "claims" / Path(name).stem):
        yield read(out / "records" / name)


def in_turn(plans: Sequence[Plan], out: Path, device: str) -> Iterator[Record]:
    """The records of some runs: those that nobody works on first; at the end those of other processes, once they are there.

    Runs of one track and suite share a workbench: backbone and encoders are loaded once.
    """
    left = list(plans)
    benches: Benches = {}
    while left:
        plan = next((p for p in left if not busy(claim_path(p, out))), left[0])
        left.remove(plan)
        yield one(plan, out, device, benches)


def one(plan: Plan, out: Path, device: str, benches: "Benches") -> Record:
    """The run's record: the stored one where it is complete, else a new one. Interrupted says where it stood."""
    found = finished(plan, out)
    if found:
        return found
    with claim(claim_path(plan, out)):
        return finished(plan, out) or _work(plan, out, device, benches)


def _work(plan: Plan, out: Path, device: str, benches: "Benches") -> Record:
    from cbench.progress import Clock, progress, work_of

    title, clock = f"{plan.suite} {plan.method_ref.label} order {plan.order} seed {plan.seed}", Clock(work_of(plan))
    try:
        from cbench.quiet import quiet

        quiet()  # before the libraries that speak when they are imported
        from cbench.device import pick
        from cbench.runner import run
        from cbench.store import Store
        from cbench.workbench import Workbench

        key = plan.track.digest, plan.suite
        with progress(title, clock) as tell:
            if key not in benches:
                picked = pick(device)
                if (device, picked) == ("auto", "cpu") and plan.track.backbone.resolution >= LARGE:
                    raise BadInput(
                        f"track {plan.track.name} needs a GPU and torch sees none here; --device cpu insists, --dry-run tells how long"
                    )
                benches[key] = Workbench(plan.track.of(plan.suite), Store(out / "store"), picked, tell)
            benches[key].tell = tell
            return run(plan, benches[key], out)
    except BaseException as error:
        if not (isinstance(error, KeyboardInterrupt) or asked()):
            raise
        raise Interrupted(f"interrupted in {title} after {clock.standing()}; what is done is kept") from error
