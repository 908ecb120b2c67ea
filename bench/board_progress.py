"""Progress of a board: one line of all its runs, read from the records that they write."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as ProgressDisplay
from rich.progress import TextColumn

from cbench.dry_run import Work, together
from cbench.errors import BadInput
from cbench.plan import Plan
from cbench.progress import Clock, clock
from cbench.record.files import read_record
from cbench.record.record import Record
from cbench.results import Results, run_name
from cbench.store.store import COST
from cbench.utils.interrupt import check_interrupt

WIDTH = 80
"""Columns that the line may take."""
PAUSE = 2.0
"""Seconds between two looks at the records."""
PLAIN = 60.0
"""Seconds between two lines where the output is no terminal."""
KINDS = {"train": "adapters", "sample": "images", "measure": "measurements"}
"""Stage -> its kind of entry in the store."""


class BoardProgress:
    """How much of a board is done: results that records cite, each counted once, of those that the runs on
    paper ask for."""

    def __init__(self, plans: Sequence[Plan], works: Sequence[Work], results: Results, workers: int) -> None:
        items = together(works).items.values()
        self.clock = Clock(
            {stage: tuple(float(i.cost) for i in items if i.stage == stage) for stage in KINDS}
        )
        self.results, self.workers = results, workers
        self.paths = {results.record_path(run_name(plan)): plan for plan in plans}
        self.seen: dict[Path, int] = {}
        self.counted: dict[str, set[str]] = {stage: set() for stage in KINDS}
        self.done: set[Path] = set()
        self.failed = 0

    def look(self) -> None:
        """Count what records that are new or have changed cite."""
        for path, plan in self.paths.items():
            try:
                changed = path.stat().st_mtime_ns
                if self.seen.get(path) != changed:
                    self.seen[path] = changed
                    self._count(read_record(path), path, plan)
            except (OSError, BadInput):  # not there yet; what is wrong with it, its run says
                continue

    def _count(self, record: Record, path: Path, plan: Plan) -> None:
        if record.source != plan.source:
            return
        if record.learned >= plan.limit:
            self.done.add(path)
        kept = record.kept
        keys: Mapping[str, Sequence[str]] = {
            "train": kept.adapters,
            "measure": [key for row in kept.gathered for key in row],
            "sample": [key for row in (kept.base_images, *kept.images) for key in row],
        }
        for stage, cited in keys.items():
            for key in {*cited} - self.counted[stage]:
                self.counted[stage].add(key)
                self.clock.add(stage, 1, self._seconds(KINDS[stage], key))

    def _seconds(self, kind: str, key: str) -> float:
        try:
            return float(json.loads((self.results.store.folder(kind, key) / COST).read_text())["seconds"])
        except (OSError, ValueError, KeyError):
            return 0.0

    def line(self, width: int = WIDTH) -> str:
        """`12/80 runs, 1 failed; train 120/844, sample 900/5216; 1:02:03 left`, the first parts of it that
        fit."""
        remaining = self.clock.remaining()
        left = "estimating" if remaining is None else f"{clock(remaining / self.workers)} left"
        failed = f", {self.failed} failed" if self.failed else ""
        runs = f"{len(self.done)}/{len(self.paths)} runs{failed}"
        work, done = self.clock.work, self.clock.done
        stages = [f"{stage} {done[stage]}/{len(work[stage])}" for stage in work if work[stage]]
        shorter = [", ".join(stages[:count]) for count in range(len(stages), -1, -1)]
        lines = ["; ".join(filter(None, (runs, standing, left))) for standing in shorter]
        return next((line for line in lines if len(line) <= width), runs[:width])


class Ticker:
    """Looks at the records and shows the line, each at most every few seconds."""

    def __init__(self, progress: BoardProgress, show: Callable[[str], None], every: float) -> None:
        self.progress, self.show, self.every = progress, show, every
        self.looked = self.showed = float("-inf")

    def __call__(self, failed: int = 0, now: bool = False) -> None:
        """Look if it is time, or `now`; KeyboardInterrupt if the process was asked to stop."""
        check_interrupt()
        self.progress.failed = failed
        if not now and time.monotonic() - self.looked < PAUSE:
            return
        self.looked = time.monotonic()
        self.progress.look()
        if now or time.monotonic() - self.showed >= self.every:
            self.showed = time.monotonic()
            self.show(self.progress.line())


@contextmanager
def shown(progress: BoardProgress) -> Iterator[Ticker]:
    """Shows the line on standard error until the block ends: on a terminal always the newest, elsewhere one
    a minute."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Ticker(progress, lambda line: print(line, file=sys.stderr, flush=True), PLAIN)
        return
    with ProgressDisplay(TextColumn("{task.fields[line]}", markup=False), console=console) as display:
        task = display.add_task("", total=None, line="starting")
        yield Ticker(progress, lambda line: display.update(task, line=line), PAUSE)
