"""The runner's values: what one evaluation gives, and what a budget takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbench import Budget
from cbench.plan import plans
from cbench.results import Results
from cbench.runner import budgeted, evaluate
from cbench.track import Training
from cbench.workbench import open_workbench

SETTINGS = Training(rank=2, steps=80, batch=2, learning_rate=0.01, weight_decay=0.0, max_grad_norm=1.0)


@pytest.fixture
def bench(track_file, tmp_path):
    plan = plans(str(track_file), "colours", "merge_init", {}, None, None, False, None)[0]
    opened = open_workbench(plan.track.of("colours"), Results(tmp_path / "out"), "cpu")
    opened.tasks = plan.tasks
    return opened


def test_a_metric_may_be_called_images(bench):
    """Scores and entries are fields of their own: no name of a metric comes near them."""
    bench._metrics["images"] = bench.loaded("colour")
    evaluation = evaluate(bench, [({}, bench.tasks)], ["images", "colour"])
    assert evaluation.scores["images"] == evaluation.scores["colour"]
    assert len(evaluation.images) == 3 and len(evaluation.entries) == 6


def test_progress_counts_every_result(bench):
    counted = []
    evaluate(bench, [({}, bench.tasks)], ["colour"], lambda stage, count, seconds: counted.append(stage))
    assert counted == ["sample"] * 3 + ["score"] * 3


@given(steps=st.floats(0.001, 3), rate=st.floats(0.001, 1))
def test_a_budget_is_a_share_of_the_tracks_settings(steps, rate):
    settings = budgeted(SETTINGS, Budget(steps, rate))
    assert settings.steps == max(1, round(80 * steps)) and settings.learning_rate == 0.01 * rate
    assert settings.model_copy(update={"steps": 80, "learning_rate": 0.01}) == SETTINGS


def test_the_whole_budget_leaves_the_settings_as_they_are():
    assert budgeted(SETTINGS, Budget()) is SETTINGS
