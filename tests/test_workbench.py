"""The keys of stored results: a key that moves loses everybody's stored work."""

import numpy as np
import pytest
import torch
from PIL import Image

from cbench import Example, Factors
from cbench.entries import Entry
from cbench.inputs import Dreams, RehearsalInputs, TrainingInputs
from cbench.plan import open_track
from cbench.step_hook import StepHook
from cbench.store.store import Store
from cbench.track import Track
from cbench.training_images import training_square
from cbench.workbench import Workbench

SETTINGS = {
    "rank": 2,
    "steps": 3,
    "batch": 2,
    "learning_rate": 0.01,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
}
PLAIN = "4dda231f40d4d8a40ba366fc24254cb8"
"""Of the inputs below, as the first version of the contract computed it."""


def bench(tmp_path):
    track = Track.model_validate(
        {
            "name": "fixed",
            "version": 1,
            "summary": "",
            "backbone": {"path": "nowhere", "resolution": 64},
            "training": SETTINGS,
            "sampling": {"steps": 2, "guidance": 2.0, "scheduler": "S", "images_per_prompt": 2, "batch": 8},
            "suites": {"s": {"dataset": "folder", "metrics": ["m"]}},
            "orders": [0],
            "seeds": [0],
        }
    )
    opened = Workbench(track, Store(tmp_path / "store"), "cpu")
    opened.__dict__["backbone_digest"] = "weights"
    return opened


def inputs(tmp_path, opened, **changes):
    image = tmp_path / "wall.png"
    image.write_bytes(b"a wall")
    start = {"layer": Factors(torch.arange(8.0).reshape(2, 4), torch.zeros(3, 2))}
    plain = TrainingInputs(
        {"layer": torch.ones(3, 4)}, start, (Example(image, "a wall"),), opened.track.training, 5
    )
    return plain._replace(**changes)


def test_the_key_of_a_plain_training_is_what_it_was(tmp_path):
    opened = bench(tmp_path)
    assert opened._train_key(inputs(tmp_path, opened)) == PLAIN


def test_every_addition_has_its_own_key(tmp_path):
    opened, entry = bench(tmp_path), Entry("0" * 32, tmp_path, 0.0)
    kept = RehearsalInputs((Example(tmp_path / "wall.png", "an old wall"),))
    settings = opened.track.training
    changes = [
        {},
        {"learns": "B"},
        {"penalty": StepHook(lambda live: None, "one")},
        {"penalty": StepHook(lambda live: None, "two")},
        {"project": StepHook(lambda live: live, "one")},
        {"rehearsal": kept},
        {"rehearsal": kept._replace(weight=0.5)},
        {"rehearsal": kept._replace(target="model")},
        {"rehearsal": RehearsalInputs((), Dreams(entry, ("a wall",)))},
        {"rehearsal": RehearsalInputs((), Dreams(entry._replace(key="1" * 32), ("a wall",)))},
        {"settings": settings.model_copy(update={"steps": 2})},
        {"settings": settings.model_copy(update={"learning_rate": 0.02})},
    ]
    keys = [opened._train_key(inputs(tmp_path, opened, **change)) for change in changes]
    assert len(set(keys)) == len(changes)


def test_a_tracks_own_recipe_has_its_own_key_and_defaults_have_none(tmp_path):
    opened = bench(tmp_path)
    recipes = [{"rows": "epochs"}, {"crop": "random"}, {"resize": "bilinear"}, {"sizes": "photograph"}]
    changed = [opened.track.training.model_copy(update=recipe) for recipe in recipes]
    keys = {opened._train_key(inputs(tmp_path, opened, settings=settings)) for settings in changed}
    assert len(keys | {PLAIN}) == 5
    assert "rows" not in opened.track.training.model_dump(mode="json")


@pytest.mark.parametrize("fresh, alike", [("each", False), ("same", True)])
def test_tasks_start_from_fresh_factors_of_their_own_or_the_same(track_file, fresh, alike):
    track = open_track(str(track_file))
    training = track.training.model_copy(update={"fresh": fresh})
    opened = Workbench(track.model_copy(update={"training": training}), Store(track_file.parent), "cpu")
    one, two, other_seed = opened.fresh(0, 0), opened.fresh(0, 1), opened.fresh(1, 0)
    name = next(iter(one))
    assert torch.equal(one[name].A, two[name].A) is alike
    assert not torch.equal(one[name].A, other_seed[name].A)


def test_a_random_square_belongs_to_the_run_and_the_image(track_file, tmp_path):
    track = open_track(str(track_file))
    training = track.training.model_copy(update={"crop": "random", "sizes": "photograph"})
    opened = Workbench(track.model_copy(update={"training": training}), Store(tmp_path), "cpu")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 300, 3), dtype=np.uint8)
    path = tmp_path / "wide.png"
    Image.fromarray(pixels).save(path)
    (one, sizes), (again, _), (other, moved) = (
        training_square(opened.track, path, seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert sizes[:2] == (64, 300) and sizes[4:] == (64, 64) and sizes[2:4] != moved[2:4]
    left = sizes[3]
    assert np.array_equal(np.asarray(one), pixels[:, left : left + 64])


def test_a_model_that_is_sampled_and_trained_upon_is_digested_once(monkeypatch, tmp_path):
    opened, seen = bench(tmp_path), []
    monkeypatch.setattr("cbench.workbench.digest_tensors", lambda update: seen.append(update) or "digest")
    update, other = {"layer": torch.zeros(2, 2)}, {"layer": torch.zeros(2, 2)}
    assert [opened._digest(u) for u in (update, update, other, update)] == ["digest"] * 4
    assert [id(u) for u in seen] == [id(u) for u in (update, other, update)], "an equal one is another one"
