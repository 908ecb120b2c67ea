"""Progress of a run: how much of each stage is done, and how long the rest will take."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as ProgressDisplay
from rich.text import Text

from cbench.utils.interrupt import check_interrupt, step
from cbench.utils.text import printable
from cbench.workload import Workload


class Progress(Protocol):
    """Called after each result: stage, how many, and the seconds of making them (also in an earlier run)."""

    def __call__(self, stage: str, count: int, seconds: float) -> None:
        """Count results."""


def silent(stage: str, count: int, seconds: float) -> None:
    """Progress that nobody sees."""
    check_interrupt()


class Clock:
    """Counts results and estimates what is left from the cost of each stage so far."""

    def __init__(self, work: Workload) -> None:
        self.work, self.done, self.spent = work, dict.fromkeys(work, 0), dict.fromkeys(work, 0.0)

    def add(self, stage: str, count: int, seconds: float) -> None:
        """Count results of a stage; KeyboardInterrupt if the process was asked to stop meanwhile."""
        check_interrupt()
        if stage in self.work:
            self.done[stage] = min(self.done[stage] + count, len(self.work[stage]))
            self.spent[stage] += seconds

    def finished(self) -> bool:
        """Whether every stage has given all its results."""
        return all(self.done[stage] == len(costs) for stage, costs in self.work.items())

    def remaining(self) -> float | None:
        """Seconds left, or None as long as a stage with work left has given no result."""
        seconds = 0.0
        for stage, costs in self.work.items():
            done, left = sum(costs[: self.done[stage]]), sum(costs[self.done[stage] :])
            if left and not done:
                return None
            seconds += left * self.spent[stage] / done if left else 0.0
        return seconds

    def share(self) -> float:
        """How much of the work is done, in [0, 1], by expected seconds if known."""
        remaining, spent = self.remaining(), sum(self.spent.values())
        if remaining is None or not spent:
            return sum(self.done.values()) / max(1, sum(map(len, self.work.values())))
        return spent / (spent + remaining)

    def standing(self) -> str:
        """`train 3/10, sample 16/65, score 20/130`."""
        return ", ".join(f"{s} {self.done[s]}/{len(costs)}" for s, costs in self.work.items() if costs)

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
def progress(title: str, clockwork: Clock) -> Iterator[Progress]:
    """Shows a run's progress on standard error: a live bar on a terminal, elsewhere a plain line every few
    seconds."""
    console = Console(stderr=True)
    if console.is_terminal:
        name, line = (
            TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[line]")
        )
        with ProgressDisplay(name, BarColumn(), line, Step(), console=console) as bars:
            bar = bars.add_task(printable(title), total=1.0, line="starting")

            def show(stage: str, count: int, seconds: float) -> None:
                clockwork.add(stage, count, seconds)
                bars.update(bar, completed=clockwork.share(), line=clockwork.line())

            yield show
    else:
        yield _plain(printable(title), clockwork)


def _plain(title: str, clockwork: Clock, every: float = 10.0) -> Progress:
    last = time.monotonic()

    def show(stage: str, count: int, seconds: float) -> None:
        nonlocal last
        clockwork.add(stage, count, seconds)
        if time.monotonic() - last >= every or clockwork.finished():
            last = time.monotonic()
            print(f"{title}: {clockwork.line()}", file=sys.stderr, flush=True)

    return show
