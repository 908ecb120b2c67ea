"""What a sweep of stored runs would take with more workers, and where the shared folder becomes the limit.
Prints a table.

    python recipes/sweep/cost.py leaderboard/records [--suite styles] [--times 10] [--start 15] [--operations
    5000] [--megabytes 100]

A simulation. It assumes that every chain costs what its record says, as if the workers did not slow each
other; that chains are taken in turn by whoever is free; that each does the work that chains share (in truth
it is done once: an upper bound); that a process takes `--start` seconds to begin; that the folder takes
`--operations` file operations and `--megabytes` of data a second, and that where all together need more than
it gives, the folder sets the pace. `--times 10` is a sweep of ten times as many chains."""

import argparse
import heapq
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from cbench.record.files import read_record
from cbench.record.record import Record

OPERATIONS = 110
"""System calls on files for an entry of two files, counted by strace: 85 to make it, 24 to find and verify it
once."""
PASSES = 3
"""How often a byte of an entry crosses the wire: written, and read again by the next stage and by whoever
verifies it."""
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Chain(NamedTuple):
    """One run's cost: its own seconds, and what it asks of the folder."""

    seconds: float
    operations: float
    megabytes: float


def chain(record: Record) -> Chain:
    """The cost of a stored run."""
    costs, tasks, metrics = record.costs, len(record.tasks), len(record.scores)
    cells = tasks * (tasks + 1) / 2 + tasks
    entries = tasks + cells * (1 + metrics)
    seconds = costs.train_seconds + costs.sample_seconds + costs.score_seconds
    return Chain(seconds, OPERATIONS * entries, PASSES * costs.disk_bytes / 1e6)


def makespan(seconds: Sequence[float], workers: int) -> float:
    """Seconds until the last of the chains ends, each taken in turn by the first worker that is free."""
    free = [0.0] * min(workers, max(1, len(seconds)))
    for each in seconds:
        heapq.heappush(free, heapq.heappop(free) + each)
    return max(free)


def folder(chains: Sequence[Chain], operations: float, megabytes: float) -> float:
    """Seconds that the shared folder alone needs for the whole sweep."""
    return max(sum(c.operations for c in chains) / operations, sum(c.megabytes for c in chains) / megabytes)


def table(chains: Sequence[Chain], start: float, operations: float, megabytes: float) -> str:
    """A row for each number of workers: time, speed-up, share of the workers' time that is work, and how busy
    the folder is."""
    own, served = [start + c.seconds for c in chains], folder(chains, operations, megabytes)
    rows = []
    for workers in [w for w in WORKERS if w <= max(1, len(chains))]:
        took = max(makespan(own, workers), served)
        speedup = sum(own) / took
        rows.append((workers, took / 60, speedup, 100 * speedup / workers, 100 * served / took))
    heads = ("workers", "minutes", "speed-up", "busy %", "folder busy %")
    pace = sum(own) / served
    limit = f"The folder is the limit from {pace:.0f} workers on (chains enough given)."
    return (
        tabulate(rows, headers=heads, floatfmt=".1f", tablefmt="pipe") + f"\n\n{len(chains)} chains. {limit}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", type=Path)
    parser.add_argument("--suite")
    parser.add_argument("--times", type=int, default=1, help="how often each chain is run (more seeds)")
    parser.add_argument("--start", type=float, default=15, help="seconds until a process works")
    parser.add_argument("--operations", type=float, default=5000, help="file operations a second")
    parser.add_argument("--megabytes", type=float, default=100, help="a second")
    asked = parser.parse_args()
    records = [read_record(path) for path in sorted(asked.records.glob("*.json"))]
    chains = [chain(record) for record in records if asked.suite in (None, record.suite)] * asked.times
    print(table(chains, asked.start, asked.operations, asked.megabytes))


if __name__ == "__main__":
    main()
