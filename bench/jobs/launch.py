"""Runs the plans of a board: in this process, in processes of this machine, or as jobs of SLURM."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cbench.board import spread
from cbench.errors import Incomplete
from cbench.jobs.executor import Overseer, run_local, submit, why_failed, worker_count
from cbench.jobs.job import Job, job_of
from cbench.jobs.profile import Profile
from cbench.plan import Plan
from cbench.record.record import Record
from cbench.results import Results, run_name
from cbench.scheduler import in_turn
from cbench.utils.text import one_line

if TYPE_CHECKING:  # they bring torch, which a finished run does not need
    from cbench.board_progress import Ticker
    from cbench.dry_run import Work


class Outcome(NamedTuple):
    """What became of a run."""

    name: str
    record: Record | None = None
    """The record of a run that is complete."""
    failure: str = ""
    """Why it failed, in one line."""
    job: str = ""
    """The id of its job, if it was submitted and is still to run."""


class How(NamedTuple):
    """Where and with what the runs are run."""

    executor: str
    profile: Profile
    device: str
    track: str
    """The track's name or file, as a job is to name it."""


Report = Callable[[Outcome], None]
"""Called for every run once, when it has ended or was submitted."""


def launch(plans: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    """Run all plans. Raises Incomplete, after all others are done, if some fail."""
    if how.executor == "inline":
        return _inline(plans, results, how, report)
    left = list[Plan]()
    for plan in plans:
        record = results.finished(plan)
        if record:
            report(Outcome(run_name(plan), record))
        else:
            left.append(plan)
    if left and how.executor == "slurm":
        _submit(left, results, how, report)
    elif left:
        _local(left, plans, results, how, report)
    return None


def _inline(plans: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    """One run after the other; of several the progress is shown as one."""
    failed = list[tuple[str, Exception]]()
    with ExitStack() as stack:
        watch = stack.enter_context(_progress(plans, results, 1)) if len(plans) > 1 else None
        for plan, record, error in in_turn(plans, results, how.device, watch):
            if error:
                failed.append((run_name(plan), error))
            report(Outcome(run_name(plan), record, one_line(error) if error else ""))
    if failed:
        name, error = failed[0]
        raise Incomplete(f"{len(failed)} of {len(plans)} runs failed; {name}: {one_line(error)}") from error


def _submit(left: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    jobs = [job_of(plan, results.root, how.track, how.device, how.executor) for plan in spread(left)]
    for job in submit(jobs, how.profile):
        report(Outcome(job.chain, job=job.id))


def _local(left: Sequence[Plan], plans: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    from cbench.dry_run import work_of

    jobs = [job_of(plan, results.root, how.track, how.device, how.executor) for plan in left]
    workers = worker_count(how.profile, how.device, len(jobs))
    works = {run_name(plan): work_of(plan) for plan in plans}
    with _progress(plans, results, workers, works) as ticker:
        run_local(jobs, how.profile, how.device, BoardOverseer(works, ticker, report))


@contextmanager
def _progress(
    plans: Sequence[Plan], results: Results, workers: int, works: "Mapping[str, Work] | None" = None
) -> "Iterator[Ticker]":
    from cbench.board_progress import BoardProgress, shown
    from cbench.dry_run import work_of

    known = works or {run_name(plan): work_of(plan) for plan in plans}
    with shown(BoardProgress(plans, [*known.values()], results, workers)) as ticker:
        ticker(now=True)
        yield ticker


class BoardOverseer(Overseer):
    """Starts beside the running jobs the one that shares the fewest trainings with them, so that no worker
    waits for another's training; shows the progress of the board."""

    def __init__(self, works: "Mapping[str, Work]", ticker: "Ticker", report: Report) -> None:
        self.works, self.ticker, self.report, self.failed = works, ticker, report, 0

    def choose(self, waiting: Sequence[Job], running: Sequence[Job]) -> Job:
        """Of equals the first."""

        def shared(job: Job) -> int:
            mine = self.works[job.chain]
            return sum(mine.shared_trainings(self.works[other.chain]) for other in running)

        return min(waiting, key=shared)

    def ended(self, job: Job, done: bool) -> None:
        """Report it."""
        self.failed += not done
        self.report(Outcome(job.chain, job.record(), "" if done else why_failed(job)))
        self.ticker(self.failed, now=True)

    def tick(self) -> None:
        """Show the progress."""
        self.ticker(self.failed)
