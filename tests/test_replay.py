"""A stored run replayed: the same models as when it ran."""

import pytest

from cbench.make_method import again
from cbench.plan import open_track
from cbench.record import read
from cbench.replay import memories
from cbench.store import Store
from cbench.suite import tasks_of
from cbench.workbench import Workbench, cited, open_adapter


@pytest.mark.parametrize("method", ["base", "naive", "merge_init", "ortho_init", "magmax", "half_merge"])
def test_replayed_models_give_the_stored_images(cli, track_file, tmp_path, method):
    out = tmp_path / "out"
    assert cli("run", "--method", method, "--suite", "colours", "--track", track_file, "--out", out)[0] == 0
    record, track = read(next((out / "records").iterdir())), open_track(str(track_file))
    bench = Workbench(track, Store(out / "store"), "cpu", lambda stage, count, seconds: None)
    tasks, made = tasks_of(record, track), again(record.method)
    replayed = memories(made, record, tasks, lambda key: open_adapter(cited(bench.store, "adapters", key)))
    for position, memory in enumerate(replayed):
        keys = [entry.key for entry in bench.sample(made.model(memory, tasks[position]), tasks[: position + 1])]
        assert tuple(keys) == record.kept.images[position]
    assert position == 2
