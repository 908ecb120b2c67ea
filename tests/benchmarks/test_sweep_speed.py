"""A sweep of four chains by one process and by two, beside what the simulation (recipes/sweep/cost.py) makes
of it."""

import os
import runpy
import time
from pathlib import Path

import pytest
import yaml
from tabulate import tabulate

from cbench.record.files import read_record

COST = runpy.run_path(str(Path(__file__).parents[2] / "recipes" / "sweep" / "cost.py"))


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="two processes need two cores")
def test_sweep(cli, track_values, tmp_path, plugin, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    track_values["training"]["steps"] = 150
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(track_values))
    words = [
        "run",
        "--method",
        "merge_init",
        "--suite",
        "colours",
        "--track",
        tmp_path / "long.yaml",
        "--all",
        "--device",
        "cpu",
    ]
    took = {}
    for workers in (1, 2):
        began = time.perf_counter()
        code, _, error = cli(
            *words, "--results", tmp_path / str(workers), "--executor", "local", "--workers", str(workers)
        )
        took[workers] = time.perf_counter() - began
        assert code == 0, error
    chains = [COST["chain"](read_record(path)) for path in (tmp_path / "1" / "records").iterdir()]
    start = (took[1] - sum(chain.seconds for chain in chains)) / len(chains)
    told = {
        workers: COST["makespan"]([start + chain.seconds for chain in chains], workers) for workers in took
    }
    rows = [(workers, took[workers], told[workers], took[1] / took[workers]) for workers in took]
    print(
        f"\n{len(chains)} chains, {start:.1f} s until a process works\n"
        + tabulate(rows, ("workers", "seconds", "simulated", "speed-up"))
    )
    assert took[2] < took[1]


def test_makespan_is_that_of_the_last_chain():
    makespan = COST["makespan"]
    assert [makespan([3, 2, 2, 1], workers) for workers in (1, 2, 4, 9)] == [8, 4, 3, 3]


def test_folder_is_the_limit_where_it_is_slow():
    chain = COST["Chain"](seconds=10, operations=100, megabytes=1)
    assert COST["folder"]([chain] * 4, 1000, 100) == pytest.approx(0.4)
    assert "from 2 workers on" in COST["table"]([chain] * 4, 0, 20, 100)
