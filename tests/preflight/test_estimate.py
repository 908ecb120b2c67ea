"""What a dry run says of a method that takes measurements, and of an optimizer that is not there."""

import dataclasses
import json
from dataclasses import dataclass
from typing import ClassVar

import pytest
import yaml

from cbench.method import Memory, Method
from cbench.plan import open_track, plans
from cbench.preflight.estimate import estimate
from cbench.preflight.probe import Probe, counted
from cbench.results import Results
from cbench.runner import run
from cbench.workbench import open_workbench


@dataclass(frozen=True)
class Measured(Method):
    """Takes every measurement and keeps none."""

    name: ClassVar[str] = "measured"
    title: ClassVar[str] = "Measured"
    gathers: ClassVar = frozenset({"inputs_before", "inputs_after", "fisher"})
    draws: ClassVar[int] = 2

    def keep(self, memory, trained, task):
        return Memory(adapter=trained, tasks=memory.tasks, seed=memory.seed)


@pytest.fixture
def plan(track_file):
    asked = plans(str(track_file), "colours", "naive", {}, None, None, False, None)[0]
    return dataclasses.replace(asked, method=Measured())


def test_the_disk_of_measurements_is_that_of_a_run(plan, tmp_path):
    results = Results(tmp_path / "out")
    expected = json.loads(estimate([plan], results, "cpu", 1, as_json=True))["expected_disk_bytes"]
    without = json.loads(
        estimate([dataclasses.replace(plan, method=PlainKeep())], results, "cpu", 1, as_json=True)
    )["expected_disk_bytes"]
    results.check()
    run(plan, open_workbench(plan.track.of(plan.suite), results, "cpu"), results)
    stored = [path.stat().st_size for path in results.store.root.rglob("measured.safetensors")]
    assert len(stored) == 3 * 3 and sum(stored) == pytest.approx(expected - without, rel=0.01)


@dataclass(frozen=True)
class PlainKeep(Measured):
    """The same without measurements."""

    name: ClassVar[str] = "plain_keep"
    gathers: ClassVar = frozenset()


def test_the_disk_of_measurements_is_counted_without_weights(plan, monkeypatch):
    sdxl = dataclasses.replace(plan, track=open_track("sdxl"))
    monkeypatch.setattr("cbench.preflight.probe.rate", lambda *_: 1e12)
    from cbench.preflight.flops import known

    cost: Probe = counted(sdxl, known(sdxl.track.backbone), "cpu", Measured.gathers)
    assert sum(cost.measured.values()) == 2 * 4 * 703_201_280 + 4 * 64 * 1_451_520


def test_an_optimizer_that_is_not_there_is_said_before_recorded_and_marked(
    cli, track_values, tmp_path, monkeypatch
):
    """On a CPU there is no 8-bit AdamW."""
    track_values["training"]["optimizer"] = "adamw8bit"
    path = tmp_path / "eight.yaml"
    path.write_text(yaml.safe_dump(track_values))
    words = ["run", "--method", "naive", "--suite", "colours", "--track", path, "--limit-tasks", "1"]
    words += ["--results", tmp_path / "out"]
    line = "adamw in place of the track's adamw8bit, which needs a GPU and bitsandbytes"
    assert line in cli(*words, "--dry-run")[1]
    assert line in cli("doctor", "--track", path, "--results", tmp_path / "out")[1]
    code, _, error = cli(*words)
    assert code == 0 and line in error
    record = Results(tmp_path / "out").records()[0]
    assert record.provenance.optimizer == "adamw"
    assert "trained by adamw, not the track's optimizer" in cli("leaderboard", tmp_path / "out")[1]
    assert cli("run", "--method", "base", *words[3:])[0] == 0
    assert [r.provenance.optimizer for r in Results(tmp_path / "out").records()] == ["", "adamw"]
