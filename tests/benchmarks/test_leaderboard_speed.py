"""How long the leaderboard of 10,000 records takes (the aim is 3 s): 625 methods, 2 suites, 4 orders, 2
seeds."""

import runpy
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli.leaderboard import verb
from cbench.record.files import add_seal

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
RUNS = [(order, seed) for order in (0, 5, 10, 42) for seed in (0, 5)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each run's numbers under all methods' names: what is timed does not depend on the numbers."""
    folder = tmp_path_factory.mktemp("many") / "records"
    folder.mkdir()
    for suite, metrics in (("objects", ("mini_clip_i", "mini_dino")), ("styles", ("mini_csd", "mini_dino"))):
        for order, seed in RUNS:
            text = build.make_record(
                "NAME", order=order, seed=seed, suite=suite, metrics=metrics, tasks=10
            ).model_dump_json()
            for k in range(625):
                name = "naive" if k == 0 else f"method{k}"
                (folder / f"mini-{suite}-{name}-o{order}-s{seed}.json").write_text(
                    add_seal(text.replace("NAME", name))
                )
    return folder.parent


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
def test_leaderboard_of_ten_thousand_records(benchmark, home: Path, tmp_path: Path) -> None:
    """Processor time, which another program's work on the machine does not lengthen."""
    benchmark.pedantic(lambda: verb([home], out=tmp_path / "page.md"), rounds=1, iterations=1)
    assert (tmp_path / "page.md").read_text().count("`method") == 2 * 624
    assert benchmark.stats.stats.max <= 3
