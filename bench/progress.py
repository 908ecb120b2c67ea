"""Progress of a run: how much of each stage is done, and how long the rest will take."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from cbench.plan import Plan, cells
from cbench.utils.interrupt import check_interrupt, step
from cbench.utils.text import printable

Work = dict[str, int]
"""Stage -> how many results it is to give."""


class Tell(Protocol):
    """Called after each result: stage, how many, seconds that making them took (also when that was in an
    earlier run)."""

    def __call__(self, stage: str, count: int, seconds: float) -> None:
        """Count results."""


def work_of(plan: Plan) -> Work:
    """Trainings, cells to sample (the base model's among them) and scores of a run."""
    sampled = cells(plan.limit)
    return {
        "train": plan.limit if plan.method.trains else 0,
        "sample": sampled,
        "score": sampled * len(plan.metrics),
    }


class Clock:
    """Counts results and estimates what is left from the mean cost of each stage so far."""

    def __init__(self, work: Work) -> None:
        self.work, self.done, self.spent = work, dict.fromkeys(work, 0), dict.fromkeys(work, 0.0)

    def add(self, stage: str, count: int, seconds: float) -> None:
        """Count results of a stage; KeyboardInterrupt where the process was asked to stop meanwhile."""
        check_interrupt()
        self.done[stage] = min(self.done[stage] + count, self.work[stage])
        self.spent[stage] += seconds

    def remaining(self) -> float | None:
        """Seconds left, or None as long as a stage with work left has shown no result."""
        left = {s: self.work[s] - self.done[s] for s in self.work}
        if any(n and not self.done[s] for s, n in left.items()):
            return None
        return sum(n * self.spent[s] / self.done[s] for s, n in left.items() if n)

    def share(self) -> float:
        """How much of the work is done, in [0, 1], by expected seconds where known."""
        remaining, spent = self.remaining(), sum(self.spent.values())
        if remaining is None or not spent:
            return sum(self.done.values()) / max(1, sum(self.work.values()))
        return spent / (spent + remaining)

    def standing(self) -> str:
        """`train 3/10, sample 16/65, score 20/130`."""
        return ", ".join(f"{s} {self.done[s]}/{n}" for s, n in self.work.items() if n)

    def line(self) -> str:
        """The standing, and `1:45 left`."""
        remaining = self.remaining()
        return f"{self.standing()}, {'estimating' if remaining is None else f'{clock(remaining)} left'}"


def clock(seconds: float) -> str:
    """Seconds as `m:ss`, or `h:mm:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Step(ProgressColumn):
    """`step 120/850`, while a stage is at work that has steps."""

    def render(self, task: Task) -> Text:
        """Asked for several times a second."""
        done, steps = step()
        return Text(f"step {done}/{steps}" if steps else "")


@contextmanager
def progress(title: str, clockwork: Clock) -> Iterator[Tell]:
    """Shows a run's progress on standard error: a live bar on a terminal, elsewhere a plain line every few
    seconds."""
    console = Console(stderr=True)
    if console.is_terminal:
        name, line = (
            TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[line]")
        )
        with Progress(name, BarColumn(), line, Step(), console=console) as bars:
            bar = bars.add_task(printable(title), total=1.0, line="starting")

            def tell(stage: str, count: int, seconds: float) -> None:
                clockwork.add(stage, count, seconds)
                bars.update(bar, completed=clockwork.share(), line=clockwork.line())

            yield tell
    else:
        yield _plain(printable(title), clockwork)


def _plain(title: str, clockwork: Clock, every: float = 10.0) -> Tell:
    last = time.monotonic()

    def tell(stage: str, count: int, seconds: float) -> None:
        nonlocal last
        clockwork.add(stage, count, seconds)
        if time.monotonic() - last >= every or clockwork.done == clockwork.work:
            last = time.monotonic()
            print(f"{title}: {clockwork.line()}", file=sys.stderr, flush=True)

    return tell
