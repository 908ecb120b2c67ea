"""What holds for every built-in method: its description, what merging methods train on, and a real run."""

import re
import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Budget, Memory, Method
from cbench.plugins.methods import make_method, method_class
from cbench.record.files import read_record
from cbench.update import gaussian

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))

BUILT_IN = sorted(e.name for e in entry_points(group="cbench.methods") if e.dist and e.dist.name == "cbench")
FAMILIES = {"bound", "sequential", "merging", "rehearsal", "regularisation", "orthogonality"}
ON_BASE = (
    *("average", "breadcrumbs", "core_space", "dare", "independent", "iso_c", "knots", "null_filter", "opcm"),
    *("regmean", "task_arithmetic", "ties", "ties_all", "tsv_m"),
)
"""Methods that train every adapter alone on the base model, whatever they do with it."""


@pytest.mark.parametrize("name", BUILT_IN)
def test_names_its_family_and_its_source(name):
    method = method_class(name)
    assert method.family in FAMILIES
    assert not method.source or re.fullmatch(r"[A-Z].* \d{4}, arXiv \d{4}\.\d{5}", method.source)


@pytest.mark.parametrize("name", BUILT_IN)
def test_nothing_learned_is_the_base_model(name):
    assert make_method(name, {}).model(Memory(), algebra.TASK) == {}


def test_methods_are_imported_without_torch():
    """So that `cbench ls` and every check of options are quick."""
    modules = ", ".join(
        sorted({e.module for e in entry_points(group="cbench.methods") if e.name in BUILT_IN})
    )
    words = f"import sys; import {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)


@settings(max_examples=10, deadline=None)
@given(name=st.sampled_from(ON_BASE), count=st.integers(0, 3), seed=algebra.SEEDS)
def test_merging_methods_train_alike_on_the_base_model(name, count, seed):
    """So all of them find their trainings in the store."""
    method, fresh = make_method(name, {}), gaussian(algebra.SHAPES, 2, 0)
    memory, task = algebra.after(method, algebra.adapters(count, seed=seed), seed), algebra.task(count)
    assert method.frozen(memory) == {} and method.start(memory, fresh) is fresh
    assert method.examples(memory, task) == task.examples and method.budget(memory) == Budget()
    assert method.rehearse(memory, task) is None and method.penalty(memory, fresh) is None
    assert method.learns == "AB" and type(method).project is Method.project


@pytest.mark.parametrize(
    "name, option",
    [
        *(("ties", f"density={value}") for value in ("0", "1.1", "-1", "nan", "much")),
        *(("task_arithmetic", f"scale={value}") for value in ("0", "-1", "inf", "nan")),
        *(("dare", f"drop={value}") for value in ("1", "-0.1", "nan")),
        *(("average", option) for option in ("beta=0", "beta=2", "trained_on=both")),
        *(("opcm", "alpha=0"), ("null_filter", "protected=0"), ("breadcrumbs", "outliers=1")),
        *(
            ("knots", "density=2"),
            ("regmean", "shrink=2"),
            ("regmean", "draws=0"),
            ("core_space", "scale=0"),
            ("tsv_m", "scale=0"),
            ("iso_c", "scale=0"),
        ),
        *(("ties_all", "density=0"), ("magmax_seq", "scale=0"), ("joint", "steps_per_task=some")),
    ],
)
def test_an_option_out_of_its_range_is_refused_in_one_line(name, option):
    key, _, value = option.partition("=")
    with pytest.raises(
        BadInput, match=f"^option {key}='{re.escape(value)}' of {name}: Input should be [^\n]+$"
    ):
        make_method(name, {key: value})


def test_every_method_learns_two_tasks(cli, track_file, tmp_path):
    """Through the command line, on a small pipeline; one results folder, so that trainings are shared. What
    is replayed of a run is its model again."""
    place = ("--track", track_file, "--results", tmp_path / "out")
    for name in BUILT_IN:
        code, _, error = cli("run", "--method", name, "--suite", "colours", "--limit-tasks", 2, *place)
        assert code == 0, f"{name}: {error}"
        if method_class(name).trains:
            words = (f"tiny-colours-{name}-o0-s0", "--task", 2, "--out", tmp_path / "lora.safetensors")
            code, _, error = cli("export", *words, *place)
            assert code == 0 and not error, f"{name}: {error}"
    records = {r.method.name: r for r in map(read_record, (tmp_path / "out" / "records").iterdir())}
    assert all(record.learned == 2 for record in records.values())
    for name, record in records.items():
        moved = record.kept.images[1] != record.kept.base_images[:2]
        assert moved == (name != "base"), f"{name} samples the base model's images"
    trained = {name: record.kept.adapters for name, record in records.items()}
    assert {trained[name] for name in ON_BASE} == {trained["task_arithmetic"]}
    assert trained["magmax_seq"] == trained["naive"] != trained["merge_init"] != trained["task_arithmetic"]
    assert trained["joint"][0] == trained["slao"][0] == trained["merge_init"][0]
    own = records["independent"].scores["colour"].rows
    assert own[0][0] == own[1][0], "a task's own adapter is the same after every task"
