"""What `cbench compare`, `cbench figures` and a finished run asked for again take of the processor. One
command:

    pytest tests/benchmarks/test_compare_speed.py -m slow
"""

import json
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli.compare import verb as compare
from cbench.plan import plans
from cbench.record.record import Kept, Scores
from cbench.results import Results
from cbench.store.store import COST

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
RUNS = [(order, seed) for order in (0, 5, 10, 42) for seed in (0, 5)]


def many(folder: Path, methods: int) -> Path:
    """Records of so many methods, eight runs each on two suites."""
    names = ("naive", *(f"method{k}" for k in range(1, methods)))
    for suite in ("objects", "styles"):
        grid = build.grid(names, orders=(0, 5, 10, 42), suite=suite, tasks=10)
        build.write(folder, grid)
    return folder


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("methods", [62, 625])
def test_compare(benchmark, tmp_path: Path, methods: int) -> None:
    """A folder of 992 records, and one of 10,000, with a copy: at most 0.6 ms a record of the two."""
    one = many(tmp_path / "one", methods)
    shutil.copytree(one, tmp_path / "two")
    benchmark.pedantic(lambda: compare(str(one), str(tmp_path / "two")), rounds=1, iterations=1)
    assert benchmark.stats.stats.max <= 2 * 16 * methods * 0.6e-3


def processor_seconds(words: list[str], absent: tuple[str, ...]) -> float:
    """Seconds of the processor of a command in a process of its own, which imports none of `absent`."""
    program = (
        "import sys, time; from cbench.cli import call; code = call(sys.argv[1:]); "
        f"assert not {set(absent)!r} & set(sys.modules), sorted({set(absent)!r} & set(sys.modules)); "
        "print(time.process_time(), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return float(done.stderr.splitlines()[-1])


@pytest.mark.slow
def test_figures_of_a_hundred_records(tmp_path: Path, record_property) -> None:
    folder = many(tmp_path / "one", 6)
    words = ["figures", str(folder), "--out", str(tmp_path / "figures")]
    took = processor_seconds(words, ("torch", "diffusers"))
    print(f"\nfigures of {len(list(folder.rglob('*.json')))} records: {took:.2f} s of the processor")
    record_property("seconds", took)


def finished(out: Path) -> None:
    """A finished run of ten styles as it lies on a disk: its entries have a run's number and sizes."""
    plan, results = plans("mini", "styles", "merge_init", {}, 0, 0, False, None)[0], Results(out)
    counts, kept = {"adapters": (10, 313_000), "images": (65, 73_000), "scores": (130, 200)}, {}
    for kind, (count, size) in counts.items():
        kept[kind] = tuple(f"{number:032x}" for number in range(count))
        for key in kept[kind]:

            def fill(folder: Path, key: str = key, size: int = size) -> None:
                (folder / "data.bin").write_bytes(key.encode() * (size // 32))
                (folder / COST).write_text(json.dumps({"seconds": 1.0}))

            results.store.remember(kind, key, fill)
    cells = iter(kept["images"][10:])
    scores = Scores(base=(0.1,) * 10, rows=tuple((0.2,) * (i + 1) for i in range(10)))
    record = build.make_record("merge_init", suite="styles", tasks=10).model_copy(
        update={
            "track": plan.track_ref,
            "suite_digest": plan.stream_digest,
            "method": plan.method_ref,
            "source": plan.source,
            "tasks": tuple(task.name for task in plan.tasks),
            "scores": {metric: scores for metric in plan.metrics},
            "kept": Kept(
                adapters=kept["adapters"],
                base_images=kept["images"][:10],
                images=tuple(tuple(next(cells) for _ in range(i + 1)) for i in range(10)),
                scores=kept["scores"],
            ),
        }
    )
    results.check()
    results.write(record)


def test_a_finished_run_asked_for_again_imports_no_torch(tmp_path: Path) -> None:
    finished(tmp_path / "out")
    words = ["run", "--method", "merge_init", "--suite", "styles", "--results", str(tmp_path / "out")]
    took = processor_seconds(words, ("torch", "diffusers", "numpy", "scipy", "matplotlib"))
    print(f"\na finished run asked for again: {took:.2f} s of the processor")
    assert took < 2, "0.5 s is the aim on an idle machine"
