"""What safety costs (checksums, flushes, claims, renames) as a share of the mini track's runs; at most 2 % is
the aim."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tabulate import tabulate

from cbench.record.files import read_record
from cbench.record.record import Record
from cbench.store.store import Store
from cbench.utils.files import write_atomically

RECORDS = sorted((Path(__file__).parents[2] / "leaderboard" / "records").glob("mini-*-merge_init-o0-s0.json"))
ROUNDS = 30


def entries(record: Record) -> dict[str, tuple[int, int]]:
    """Kind -> how many a run makes, and the bytes of each, by its record."""
    tasks, costs = len(record.tasks), record.costs
    cells = tasks * (tasks + 1) // 2 + tasks
    adapter = costs.trained_parameters * 4
    images = (costs.disk_bytes - tasks * adapter) // cells
    return {
        "adapters": (tasks, adapter),
        "images": (cells, images),
        "scores": (cells * len(record.scores), 200),
    }


def filler(size: int) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        (folder / "data.bin").write_bytes(bytes(size))
        (folder / "cost.json").write_text('{"seconds": 1.0}')

    return fill


def seconds(work: Callable[[int], object]) -> float:
    """Of one call, the mean over some."""
    work(-1)
    began = time.perf_counter()
    for number in range(ROUNDS):
        work(number)
    return (time.perf_counter() - began) / ROUNDS


def cost(place: Path, kind: str, size: int) -> tuple[float, float]:
    """Seconds that the store takes beyond a plain write of an entry, and seconds to verify one."""
    store, fill = Store(place / "store"), filler(size)

    def plain(number: int) -> None:
        folder = place / "plain" / kind / str(number)
        folder.mkdir(parents=True)
        fill(folder)

    kept = seconds(lambda number: store.remember(kind, f"{number + 1:032x}", fill))
    return kept - seconds(plain), seconds(lambda number: store.find(kind, f"{number + 1:032x}"))


@pytest.mark.slow
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_share_of_a_mini_run(path: Path, tmp_path: Path) -> None:
    """Every entry written once, and verified once, as a run does that goes on after a kill; the record
    written after every task."""
    record = read_record(path)
    text, costs = path.read_text(), record.costs
    whole = costs.train_seconds + costs.sample_seconds + costs.score_seconds
    noted = seconds(lambda number: write_atomically(tmp_path / "record.json", text)) * len(record.tasks)
    rows, total = (
        [("records", len(record.tasks), len(text) / 1e3, 1e3 * noted / len(record.tasks), 0.0, noted)],
        noted,
    )
    for kind, (count, size) in entries(record).items():
        more, verify = cost(tmp_path, kind, size)
        rows.append((kind, count, size / 1e3, 1e3 * more, 1e3 * verify, count * (more + verify)))
        total += count * (more + verify)
    print(
        "\n"
        + tabulate(
            rows,
            ("kind", "entries", "kB each", "ms to keep safe", "ms to verify", "seconds a run"),
            floatfmt=".2f",
        )
    )
    print(f"{path.stem}: {total:.2f} s of {whole:.0f} s = {100 * total / whole:.2f} %")
    assert total / whole < 0.02
