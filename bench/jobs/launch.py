"""Runs the plans of a board: in this process, in processes of this machine, or as jobs of SLURM."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cbench.board import spread
from cbench.errors import CbenchError, Incomplete
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
    code: int = 0
    """The exit code of its failure: 2 if the same would happen again."""
    job: str = ""
    """The id of its job, if it was submitted and is still to run."""


class How(NamedTuple):
    """Where and with what the runs are run."""

    executor: str
    profile: Profile
    device: str


Report = Callable[[Outcome], None]
"""Called for every run once, when it has ended or was submitted."""


def estimated(plans: Sequence[Plan], results: Results, how: How, as_json: bool) -> str:
    """What the runs would do and cost, by as many processes as would be started."""
    from cbench.preflight.estimate import estimate

    workers = 1
    if how.executor == "local":
        import torch

        workers = worker_count(how.profile, how.device, len(plans))
        torch.set_num_threads(how.profile.cpus)  # a worker's, not this process's
    elif how.executor == "slurm":
        workers = how.profile.workers or len(plans)
    return estimate(plans, results, how.device, workers, as_json)


def launch(plans: Sequence[Plan], results: Results, how: How, track: str, report: Report) -> None:
    """Run all plans of a track, named as a job is to name it. Raises Incomplete, after all others are done,
    if some fail."""
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
        for job in submit(_jobs(spread(left), results, how, track), how.profile):
            report(Outcome(job.chain, job=job.id))
    elif left:
        _local(_jobs(left, results, how, track), plans, results, how, report)
    return None


def _inline(plans: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    """One run after the other; of several the progress is shown as one."""
    failed = list[tuple[str, Exception]]()
    with ExitStack() as stack:
        watch = stack.enter_context(_progress(plans, results, 1)) if len(plans) > 1 else None
        for plan, record, error in in_turn(plans, results, how.device, watch):
            if error:
                failed.append((run_name(plan), error))
            report(_outcome(run_name(plan), record, error))
    if failed:
        name, error = failed[0]
        raise Incomplete(f"{len(failed)} of {len(plans)} runs failed; {name}: {one_line(error)}") from error


def _outcome(name: str, record: Record | None, error: Exception | None) -> Outcome:
    if error is None:
        return Outcome(name, record)
    code = error.code if isinstance(error, CbenchError) else Incomplete.code
    return Outcome(name, failure=one_line(error), code=code)


def _jobs(plans: Sequence[Plan], results: Results, how: How, track: str) -> list[Job]:
    return [job_of(plan, results.root, track, how.device, how.executor) for plan in plans]


def _local(jobs: Sequence[Job], plans: Sequence[Plan], results: Results, how: How, report: Report) -> None:
    from cbench.dry_run import work_of

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
    """Starts beside the running jobs the one that shares the fewest trainings with them, and of those the one
    that shares the fewest results, so that no worker waits for another's; shows the progress of the board."""

    def __init__(self, works: "Mapping[str, Work]", ticker: "Ticker", report: Report) -> None:
        self.works, self.ticker, self.report, self.failed = works, ticker, report, 0

    def choose(self, waiting: Sequence[Job], running: Sequence[Job]) -> Job:
        """Of equals the first."""

        def shared(job: Job) -> tuple[int, int]:
            mine, theirs = self.works[job.chain], [self.works[other.chain] for other in running]
            return sum(map(mine.shared_trainings, theirs)), sum(map(mine.shared, theirs))

        return min(waiting, key=shared)

    def ended(self, job: Job, done: bool) -> None:
        """Report it."""
        self.failed += not done
        if done:
            self.report(Outcome(job.chain, job.record()))
        else:
            self.report(Outcome(job.chain, failure=why_failed(job), code=job.exit_code))
        self.ticker(self.failed, now=True)

    def tick(self) -> None:
        """Show the progress."""
        self.ticker(self.failed)
