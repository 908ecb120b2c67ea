"""The same run gives the same bytes; a metric that rolls dice is caught."""

import numpy as np
import pytest

from cbench.determinism import contents, prove
from cbench.plan import plans


@pytest.fixture
def plan(track_file):
    return plans(str(track_file), "colours", "merge_init", {}, None, None, False, None)[0]


def test_same_bytes_again_resumed_and_with_another_scoring_batch(plan):
    found = prove(plan, "cpu")
    assert [f.claim for f in found] == ["the same run twice", "a run resumed after training", "colour, whatever the scoring batch"]
    assert all(f.holds for f in found), found
    assert "files, byte by byte" in found[0].detail


def test_a_sampler_that_rolls_dice_is_caught(plan, monkeypatch):
    from cbench import workbench

    honest, dice = workbench.sample, iter(range(100))
    monkeypatch.setattr(workbench, "sample", lambda *told: honest(*told) ^ np.uint8(next(dice)))
    assert [f.holds for f in prove(plan, "cpu")] == [False, False, True]


def test_a_metric_that_depends_on_its_batch_is_caught(plan, monkeypatch):
    from cbench_example.metric import Colour

    honest = Colour.embed
    monkeypatch.setattr(Colour, "embed", lambda self, images: honest(self, images) + np.array([len(images), 0, 0]))
    assert [f.holds for f in prove(plan, "cpu")] == [True, True, False]


def test_contents_leave_times_out(tmp_path):
    entry = tmp_path / "store" / "images" / "aa" / "a"
    entry.mkdir(parents=True)
    for name in ("cost.json", "checksums.json", "images.png"):
        (entry / name).write_text("x")
    assert list(contents(tmp_path)) == ["store/images/aa/a/images.png"]
