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


def test_a_run_begun_on_one_machine_and_ended_on_another_names_both(cli, track_file, tmp_path, monkeypatch):
    words = ["run", "--method", "merge_init", "--suite", "colours", "--track", track_file]
    words += ["--results", tmp_path / "out"]
    origins = []
    for processor, more in (("one", ["--limit-tasks", "1"]), ("two", [])):
        monkeypatch.setattr("cbench.record.provenance.processor", lambda name=processor: name)
        assert cli(*words, *more)[0] == 0
        origins.append(Results(tmp_path / "out").records()[0].provenance)
    assert [(origin.device, origin.devices) for origin in origins] == [
        ("cpu (one)", ()),
        ("cpu (two)", ("cpu (one)", "cpu (two)")),
    ]
    text = cli("leaderboard", tmp_path / "out")[1]
    assert "`merge_init`: all runs on cpu (one) and cpu (two)." in text
    assert (
        "cpu (one), cpu (two)"
        in cli("show", "tiny-colours-merge_init-o0-s0", "--results", tmp_path / "out")[1]
    )


def test_a_metric_added_on_another_machine_names_it(cli, track_file, tmp_path, monkeypatch):
    words = ["--track", track_file, "--results", tmp_path / "out"]
    assert cli("run", "--method", "base", "--suite", "colours", *words)[0] == 0
    monkeypatch.setattr("cbench.record.provenance.processor", lambda: "another")
    assert cli("score", "--metric", "brightness", *words)[0] == 0
    origin = Results(tmp_path / "out").records()[0].provenance
    assert set(origin.devices) == {origin.device, "cpu (another)"}
