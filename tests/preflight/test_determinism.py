"""The same run gives the same bytes; a metric that rolls dice is caught."""

import json

import numpy as np
import pytest
import yaml

from cbench.plan import plans
from cbench.preflight import determinism
from cbench.preflight.determinism import contents, prove
from cbench.preflight.finding import Finding

CLAIMS = [
    "the same run twice",
    "a run resumed after training",
    "two processes on one folder",
    "colour, whatever the scoring batch",
]


@pytest.fixture
def plan(track_file):
    return plans(str(track_file), "colours", "merge_init", {}, None, None, False, None)[0]


@pytest.fixture
def here(monkeypatch):
    """Without the two other processes, which would not know what a test changed in this one."""
    monkeypatch.setattr(
        determinism, "_together", lambda *output: Finding("two processes on one folder", True, "not asked")
    )


def test_a_sampler_that_rolls_dice_is_caught(plan, here, monkeypatch):
    from cbench import workbench

    honest, dice = workbench.sample, iter(range(100))
    monkeypatch.setattr(workbench, "sample", lambda *output: honest(*output) ^ np.uint8(next(dice)))
    assert [f.good for f in prove(plan, "cpu")] == [False, False, True, True]


def test_a_metric_that_depends_on_its_batch_is_caught(plan, here, monkeypatch):
    from cbench_example.metric import Colour

    honest = Colour.embed
    monkeypatch.setattr(
        Colour, "embed", lambda self, images: honest(self, images) + np.array([len(images), 0, 0])
    )
    assert [f.good for f in prove(plan, "cpu")] == [True, True, True, False]


def test_prior_images_of_a_training_that_is_there_are_not_missed(track_values, tmp_path, here):
    track_values["training"]["prior"] = {
        "prompts": ["a cat"],
        "images_per_prompt": 2,
        "batch": 1,
        "weight": 1.0,
    }
    (tmp_path / "prior.yaml").write_text(yaml.safe_dump(track_values))
    found = prove(
        plans(str(tmp_path / "prior.yaml"), "colours", "merge_init", {}, None, None, False, None)[0], "cpu"
    )
    assert all(one.good for one in found), found


def test_contents_leave_times_out(tmp_path):
    entry = tmp_path / "store" / "images" / "aa" / "a"
    entry.mkdir(parents=True)
    for name in ("cost.json", "checksums.json", "images.png"):
        (entry / name).write_text("x")
    assert list(contents(tmp_path)) == ["store/images/aa/a/images.png"]


def test_doctor_proves_it(cli, track_file):
    code, output, error = cli("doctor", "--determinism", "--track", track_file, "--device", "cpu", "--json")
    assert code == 0, error
    found = json.loads(output)
    assert [one["what"] for one in found] == CLAIMS and all(one["good"] for one in found)
    assert "files, byte by byte" in found[0]["detail"]


@pytest.mark.slow
def test_doctor_proves_it_on_the_mini_track(cli):
    code, output, error = cli("doctor", "--determinism", "--device", "cpu")
    assert code == 0 and output.count("ok ") == len(output.splitlines()) == 5, output + error
    print(output)
