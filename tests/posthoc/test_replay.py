"""A stored run replayed: the same models as when it ran."""

import pytest
import torch

from cbench.backbone.backbone import Backbone
from cbench.methods.merge_init import MergeInit
from cbench.plan import open_track, plans
from cbench.plugins.methods import method_from_record
from cbench.posthoc.replay import memories, tasks_of
from cbench.record.files import read_record
from cbench.store.store import Store
from cbench.workbench import Workbench


@pytest.mark.parametrize("method", ["base", "naive", "merge_init", "ortho_init", "magmax", "half_merge"])
def test_replayed_models_give_the_stored_images(learn, track_file, tmp_path, method):
    out = learn(track_file, tmp_path / "out", method)
    record, track = read_record(next((out / "records").iterdir())), open_track(str(track_file))
    bench = Workbench(track, Store(out / "store"), "cpu")
    tasks, made = tasks_of(record, track), method_from_record(record)
    replayed = memories(made, record, tasks, bench.store)
    for position, memory in enumerate(replayed):
        keys = [
            entry.key for entry in bench.sample(made.model(memory, tasks[position]), tasks[: position + 1])
        ]
        assert tuple(keys) == record.kept.images[position]
    assert position == 2


def test_a_model_is_folded_once_for_all_its_cells_and_not_for_stored_ones(track_file, tmp_path, monkeypatch):
    plan, folds, check = (
        plans(str(track_file), "colours", "naive", {}, None, None, False, None)[0],
        [],
        Backbone._check,
    )
    bench = Workbench(plan.track.of("colours"), Store(tmp_path / "store"), "cpu")
    shapes = bench.backbone.layers(plan.track.training)
    update = {name: torch.full(shapes[name], 0.1) for name in list(shapes)[:1]}
    monkeypatch.setattr(Backbone, "_check", lambda *given: folds.append(given) or check(*given))
    first = bench.sample(update, plan.tasks)
    assert len(first) == 3 and len(folds) == 1
    assert bench.sample(update, plan.tasks) == first and len(folds) == 1
    alone = Workbench(bench.track, Store(tmp_path / "alone"), "cpu")
    for entry, task in zip(first, plan.tasks, strict=True):
        sheet = alone.sample(update, [task])[0].folder / "images.png"
        assert sheet.read_bytes() == (entry.folder / "images.png").read_bytes()


def test_a_replay_that_gives_another_model_says_so(cli, track_file, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    words = ("run", "--method", "merge_init", "--suite", "colours", "--track", track_file, "--results", out)
    assert cli(*words, "--limit-tasks", 1)[0] == 0
    path = next((out / "records").iterdir())
    export = (
        "export",
        path,
        "--track",
        track_file,
        "--results",
        out,
        "--task",
        1,
        "--out",
        tmp_path / "l.safetensors",
    )
    code, _, error = cli(*export)
    assert code == 0 and "another one here" not in error
    keep = MergeInit.keep

    def moved(self, memory, trained, task):
        memory = keep(self, memory, trained, task)
        return memory._replace(update={n: 1.001 * change for n, change in memory.update.items()})

    monkeypatch.setattr(MergeInit, "keep", moved)
    code, _, error = cli(*export)
    assert code == 0 and "the model after task 1 is another one here than in the run" in error
