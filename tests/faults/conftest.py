"""Real runs in processes of their own, forked from a server that has imported everything, so that a start
costs milliseconds."""

import json
import multiprocessing
import runpy
import sys
from collections.abc import Callable
from importlib.resources import files
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import yaml

from cbench.record.files import read_record
from cbench.store.store import COST, SUMS

CHILD = str(Path(__file__).with_name("child.py"))
HEAVY = ["cbench.cli.run", "cbench.runner", "cbench.workbench", "peft"]
HEAVY += ["diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl"]
HEAD = """
import random, os
import numpy as np
import torch
from cbench.method import Memory
from cbench.methods.merge_init import MergeInit
"""


@pytest.fixture(scope="session")
def processes() -> multiprocessing.context.ForkServerContext:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(HEAVY)
    return server


@pytest.fixture
def fault_track(track_values: dict, tmp_path: Path) -> Path:
    """The small track, with another scheduler for sampling than the pipeline's own, and with prior images."""
    track_values["sampling"]["scheduler"] = "EulerDiscreteScheduler"
    track_values["training"]["prior"] = {
        "prompts": ["a cat"],
        "images_per_prompt": 2,
        "batch": 1,
        "weight": 1.0,
    }
    path = tmp_path / "faults.yaml"
    path.write_text(yaml.safe_dump(track_values))
    return path


@pytest.fixture
def command(fault_track: Path) -> Callable[..., list[str]]:
    """The words of a run into a folder."""

    def words(out: Path, *more: str, method: str = "ortho_init") -> list[str]:
        return [
            "run",
            "--method",
            method,
            "--suite",
            "colours",
            "--track",
            str(fault_track),
            "--results",
            str(out),
            *more,
        ]

    return words


@pytest.fixture
def mini_command(tmp_path: Path) -> Callable[[Path], list[str]]:
    """The words of a run of the mini track's first two objects: its pipeline, encoders and pictures, with
    fewer steps and prior images."""
    values = yaml.safe_load((files("cbench.tracks") / "mini.yaml").read_text())
    values["training"]["steps"], values["sampling"]["steps"] = 10, 2
    objects = values["suites"]["objects"]["training"]
    objects["steps"], objects["prior"]["images_per_prompt"] = 10, 1
    path = tmp_path / "mini.yaml"
    path.write_text(yaml.safe_dump(values))
    chosen = ["--method", "ortho_init", "--suite", "objects", "--track", str(path), "--limit-tasks", "2"]
    return lambda out: ["run", *chosen, "--results", str(out)]


@pytest.fixture
def start(processes, tmp_path: Path, plugin: Path) -> Callable[[list[str]], tuple[BaseProcess, Path]]:
    """Starts a command; gives the process and the file with what it prints."""
    count = iter(range(10_000))

    def begin(words: list[str]) -> tuple[BaseProcess, Path]:
        log = tmp_path / f"log{next(count)}.txt"
        process = processes.Process(target=runpy.run_path, args=(CHILD, {"words": words, "log": str(log)}))
        process.start()
        return process, log

    return begin


@pytest.fixture
def finish(start) -> Callable[[list[str]], tuple[int, str]]:
    """Runs a command to its end; gives (exit code, what it printed)."""

    def end(words: list[str]) -> tuple[int, str]:
        process, log = start(words)
        process.join(300)
        assert process.exitcode is not None, log.read_text()
        return process.exitcode, log.read_text()

    return end


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Installs a package whose method is called `odd`."""

    def install(source: str) -> None:
        info = tmp_path / "site" / "odd-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-package\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[cbench.methods]\nodd = odd_method:odd\n")
        (tmp_path / "site" / "odd_method.py").write_text(HEAD + source)
        monkeypatch.syspath_prepend(tmp_path / "site")

    yield install
    sys.modules.pop("odd_method", None)


@pytest.fixture
def bytes_of() -> Callable[[Path], dict[str, str | bytes]]:
    return outcome


def outcome(out: Path) -> dict[str, str | bytes]:
    """All that a run leaves, but for times: the records' text and every file of the store, by place."""
    store, found = out / "store", {}
    for path in sorted(
        p for kind in ("adapters", "images", "scores") for p in (store / kind).rglob("*") if p.is_file()
    ):
        if path.name == SUMS:
            found[str(path)[len(str(store)) :]] = json.dumps(
                {n: s for n, s in json.loads(path.read_text()).items() if n != COST}
            )
        elif path.name != COST:
            found[str(path)[len(str(store)) :]] = path.read_bytes()
    for path in sorted((out / "records").glob("*.json")):
        times = {"train_seconds": 0, "sample_seconds": 0, "score_seconds": 0, "peak_memory_bytes": 0}
        times |= {"merge_seconds": 0}
        record = read_record(path)
        costs, provenance = (
            record.costs.model_copy(update=times),
            record.provenance.model_copy(update={"created": "", "commit": None, "dirty": None}),
        )
        found[path.name] = record.model_copy(
            update={"costs": costs, "provenance": provenance}
        ).model_dump_json()
    return found
