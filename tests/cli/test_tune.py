"""`cbench tune`: trials on a validation stream, the chosen options in a run, and on the board."""

import json
import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from cbench.record.files import read_record
from cbench.track import parse
from cbench.tuning import read_tuning


def stream(home, colours):
    """A stream of walls; each colour is three numbers."""
    tasks = []
    for name, colour in colours.items():
        (home / name).mkdir(parents=True)
        for number in range(2):
            pixels = np.full((64, 64, 3), colour, dtype=np.uint8)
            pixels[: 8 + number] = 0
            Image.fromarray(pixels).save(home / name / f"{number}.png")
        prompts = {"prompts": [f"a {name} cat"], "plain_prompts": ["a cat"]}
        tasks.append({"name": name, "prompt": f"a {name} wall", "images": name, **prompts})
    (home / "stream.yaml").write_text(yaml.safe_dump({"name": "validation", "tasks": tasks}))
    return home / "stream.yaml"


@pytest.fixture
def validation(tmp_path):
    return stream(tmp_path / "validation", {"pink": (250, 100, 150), "teal": (0, 120, 120)})


@pytest.fixture
def tune(cli, track_file, tmp_path, validation):
    def call(*more, stream=validation):
        words = (
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            tmp_path / "out",
            "--device",
            "cpu",
        )
        return cli("tune", *words, *(("--validation", stream) if stream else ()), *more)

    return call


def test_the_chosen_options_are_run_recorded_and_shown(cli, tune, track_file, tmp_path):
    code, output, error = tune("--method", "half_merge", "--trials", 3)
    assert code == 0, error
    path = tmp_path / "out" / "tuning" / "tiny-colours-half_merge.json"
    tuning = read_tuning(path)
    values = [trial.options["share"] for trial in tuning.trials]
    assert values == [0.316, 0.126, 0.795] and tuning.objective == "average_score of colour"
    assert tuning.chosen == max(tuning.trials, key=lambda trial: trial.value).options
    assert f"--tuned {path}" in output and output.count("*") == 1 and tuning.seed == 1
    # every trial is a real run of the validation track
    record = read_record(next((tmp_path / "out" / "tuning" / "records").glob("*share=0.126*")))
    assert record.track.name == "tiny-validation" and (record.seed, len(record.tasks)) == (1, 2)
    assert np.mean(record.scores["colour"].rows[-1]) == pytest.approx(tuning.trials[1].value)
    # a repeated command trains nothing, and gives the same bytes
    made, text = set((tmp_path / "out" / "tuning" / "store").rglob("*")), path.read_bytes()
    assert tune("--method", "half_merge", "--trials", 3)[0] == 0
    assert set((tmp_path / "out" / "tuning" / "store").rglob("*")) == made and path.read_bytes() == text
    # the run
    run = ("run", "--method", "half_merge", "--suite", "colours", "--track", track_file)
    code, output, error = cli(*run, "--tuned", path, "--results", tmp_path / "out")
    assert code == 0 and f"share={tuning.chosen['share']}: the best of 3 trials" in output, error
    record = read_record(next((tmp_path / "out" / "records").iterdir()))
    assert record.method.options == tuning.chosen and record.tuned == tuning.tuned
    page = cli("leaderboard", tmp_path / "out")[1]
    assert " ¶ " in page and "share chosen by `cbench tune` from 3 trials" in page
    (row,) = json.loads(cli("leaderboard", tmp_path / "out", "--json")[1])[0]["rows"]
    assert row["tuned"]["trials"] == 3


def test_a_run_that_is_there_already_learns_that_it_was_tuned(cli, tune, track_file, tmp_path):
    assert tune("--method", "half_merge", "--trials", 1)[0] == 0
    out, file = tmp_path / "out", tmp_path / "out" / "tuning" / "tiny-colours-half_merge.json"
    run = ("run", "--method", "half_merge", "--suite", "colours", "--track", track_file, "--results", out)
    assert cli(*run, "--set", "share=0.316")[0] == 0
    path = next((out / "records").iterdir())
    assert read_record(path).tuned is None
    adapters = set((out / "store" / "adapters").rglob("*"))
    assert cli(*run, "--tuned", file)[0] == 0
    assert read_record(path).tuned is not None
    assert set((out / "store" / "adapters").rglob("*")) == adapters
    assert cli(*run, "--set", "share=0.316")[0] == 0
    assert read_record(path).tuned is not None, "nothing is lost"


def test_local_processes_and_a_track_that_names_its_stream(
    cli, track_values, validation, tmp_path, plugin, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    plain = tmp_path / "plain.yaml"
    plain.write_text(yaml.safe_dump(track_values))
    track_values["suites"]["colours"]["validation"] = {"options": {"path": str(validation)}, "seed": 77}
    track = tmp_path / "named.yaml"
    track.write_text(yaml.safe_dump(track_values))
    assert parse(track).digest == parse(plain).digest, "a published track may gain it"
    words = ("tune", "--method", "half_merge", "--suite", "colours", "--track", track, "--results", tmp_path)
    code, _, error = cli(*words, "--trials", 2, "--executor", "local", "--workers", 2, "--device", "cpu")
    assert code == 0, error
    assert read_tuning(tmp_path / "tuning" / "tiny-colours-half_merge.json").seed == 77
    code, output, _ = cli(*words, "--trials", 2, "--dry-run", "--device", "cpu")
    assert code == 0 and "runs done          2" in output


def test_a_trial_that_diverges_counts_as_one(tune, tmp_path, monkeypatch):
    from cbench_example.method import HalfMerge

    keep = HalfMerge.keep

    def sometimes(self, memory, trained, task):
        if self.share > 0.5:
            raise ValueError("too strong")
        return keep(self, memory, trained, task)

    monkeypatch.setattr(HalfMerge, "keep", sometimes)
    code, output, error = tune("--method", "half_merge", "--trials", 3)
    assert code == 0 and "too strong" in output, error
    tuning = read_tuning(tmp_path / "out" / "tuning" / "tiny-colours-half_merge.json")
    assert tuning.trials[2].value is None and "too strong" in tuning.trials[2].failure
    shutil.rmtree(tmp_path / "out" / "tuning")
    monkeypatch.setattr(HalfMerge, "keep", lambda *given: 1 / 0)
    code, _, error = tune("--method", "half_merge", "--trials", 1)
    assert code == 2 and "all trials of half_merge on colours failed; the first: " in error


BAD = [
    (("--method", "naive"), "method naive has no option to tune"),
    (("--method", "half_merge", "--set", "share=1"), "method half_merge has no option to tune"),
    (("--method", "half_merge", "--set", "shore=1"), "unknown option of half_merge 'shore'"),
    (("--method", "half_merge", "--trials", "0"), "--trials"),
    (("--method", "half_merge", "--suite", "colors"), "unknown suite of track tiny 'colors'"),
]


@pytest.mark.parametrize(("more", "line"), BAD)
def test_bad_input_is_one_line(tune, more, line):
    code, _, error = tune(*more)
    assert code == 2 and line in error and error.count("\n") == 1


def test_what_is_reported_is_not_tuned_on(tune, stream_file):
    code, _, error = tune("--method", "half_merge", stream=stream_file)
    assert code == 2 and "shares an image with task red of colours" in error
    code, _, error = tune("--method", "half_merge", stream=None)
    assert code == 2 and "names no validation stream for colours; give one: --validation FILE" in error


def test_a_seed_of_the_track_is_refused(cli, track_values, validation, tmp_path):
    track_values["suites"]["colours"]["validation"] = {"options": {"path": str(validation)}, "seed": 5}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(track_values))
    code, _, error = cli(
        "tune", "--method", "half_merge", "--suite", "colours", "--track", tmp_path / "t.yaml"
    )
    assert code == 2 and "suites.colours.validation.seed is one of the track's own seeds" in error


def test_files_of_something_else_are_refused(cli, tune, track_file, track_values, tmp_path):
    assert tune("--method", "half_merge", "--trials", 2)[0] == 0
    file = tmp_path / "out" / "tuning" / "tiny-colours-half_merge.json"
    run = ("run", "--suite", "colours", "--results", tmp_path / "other", "--tuned", file)

    def refused(*words):
        code, _, error = cli(*run, *words)
        assert code == 2 and error.count("\n") == 1 and not list((tmp_path / "other").glob("records/*"))
        return error

    half = ("--method", "half_merge", "--track", track_file)
    assert "is of half_merge, which is not asked for" in refused("--method", "naive", "--track", track_file)
    assert "says 0." in refused(*half, "--set", "share=1")
    assert "a second time" in refused(*half, "--tuned", file)
    track_values["training"]["steps"] = 4
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(track_values))
    assert "tune again" in refused("--method", "half_merge", "--track", tmp_path / "other.yaml")
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"version": 9}))
    assert "is of version 9 of half_merge, version 1 is installed" in refused(*half)
    worst = min(values["trials"], key=lambda trial: trial["value"])
    file.write_text(json.dumps(values | {"chosen": worst["options"]}))
    assert "chosen must be the options of the trial with the highest value" in refused(*half)
    file.write_text("{")
    assert "tuning file" in refused(*half)
