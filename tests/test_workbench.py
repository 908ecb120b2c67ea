"""The keys of stored results: a key that moves loses everybody's stored work."""

import torch

from cbench import Example, Factors
from cbench.step_hook import StepHook
from cbench.store.store import Store
from cbench.track import Track
from cbench.workbench import Dreams, Entry, RehearsalInputs, TrainingInputs, Workbench

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
