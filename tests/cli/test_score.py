import shutil

import numpy as np
import pytest
import yaml
from PIL import Image

from cbench.plugins import registry
from cbench.record.files import read_record
from cbench.results import Results


@pytest.fixture
def ran(learn, track_file, tmp_path):
    return learn(track_file, tmp_path / "out")


def only(out):
    return read_record(next((out / "records").iterdir()))


def test_new_metric_joins_the_old_and_samples_nothing(cli, ran, track_file, tmp_path, track_values):
    before = {p: p.stat().st_mtime_ns for p in (ran / "store" / "images").rglob("*.png")}
    code, output, _ = cli("score", "--metric", "brightness", "--track", track_file, "--results", ran)
    assert code == 0 and "scored" in output
    assert set(only(ran).scores) == {"colour", "brightness"} and only(ran).complete
    assert before == {p: p.stat().st_mtime_ns for p in (ran / "store" / "images").rglob("*.png")}
    assert (
        "had it already" in cli("score", "--metric", "brightness", "--track", track_file, "--results", ran)[1]
    )


def test_same_numbers_as_when_the_run_scores(cli, ran, track_file, track_values, tmp_path):
    cli("score", "--metric", "brightness", "--track", track_file, "--results", ran)
    track_values["suites"]["colours"]["metrics"] = ["brightness"]
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(track_values))
    assert (
        cli(
            "run",
            "--method",
            "merge_init",
            "--suite",
            "colours",
            "--track",
            other,
            "--results",
            tmp_path / "out2",
        )[0]
        == 0
    )
    assert only(ran).scores["brightness"] == only(tmp_path / "out2").scores["brightness"]


def test_more_records_load_the_metric_once(cli, ran, track_file, loads):
    assert (
        cli("run", "--method", "base", "--suite", "colours", "--track", track_file, "--results", ran)[0] == 0
    )
    loads.clear()
    code, output, _ = cli("score", "--metric", "brightness", "--track", track_file, "--results", ran)
    assert code == 0 and output.count("scored") == 2 and loads == ["brightness"]


def test_lost_images_are_one_line_and_the_record_stays(cli, ran, track_file):
    text = next((ran / "records").iterdir()).read_text()
    shutil.rmtree(ran / "store" / "images")
    code, _, error = cli("score", "--metric", "brightness", "--track", track_file, "--results", ran)
    assert code == 2 and "are not in" in error and next((ran / "records").iterdir()).read_text() == text


def test_unknown_metric(cli, ran, track_file):
    code, _, error = cli("score", "--metric", "brightnes", "--track", track_file, "--results", ran)
    assert code == 2 and "did you mean 'brightness'" in error


def test_a_run_that_goes_on_keeps_what_was_added(cli, track_file, tmp_path, monkeypatch):
    words = (
        "run",
        "--method",
        "merge_init",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--results",
        tmp_path,
    )
    assert cli(*words, "--limit-tasks", 2)[0] == 0
    assert cli("score", "--metric", "brightness", "--track", track_file, "--results", tmp_path)[0] == 0
    two, write = only(tmp_path), Results.write
    learned = []
    monkeypatch.setattr(
        Results, "write", lambda self, record: (write(self, record), learned.append(record.learned))
    )
    assert cli(*words)[0] == 0
    three = only(tmp_path)
    assert learned == [3] and three.complete and set(three.scores) == {"colour", "brightness"}
    assert all(three.scores[name].rows[:2] == two.scores[name].rows for name in two.scores)
    assert three.costs.peak_memory_bytes > 10**8


def cells(out, record):
    """The stored images of each cell, and its task."""
    for row, scores in zip(record.kept.images, record.scores["warmth"].rows, strict=True):
        for key, task, score in zip(row, record.tasks, scores, strict=False):
            sheet = Image.open(out / "store" / "images" / key[:2] / key / "images.png").convert("RGB")
            yield np.asarray(sheet, dtype=float), task, score


def test_a_number_an_image_and_its_prompt(cli, ran, track_file):
    """The plain prompts `a cat` and `tree`, two images each: five and four letters."""
    code, output, error = cli("score", "--metric", "warmth", "--track", track_file, "--results", ran)
    assert code == 0 and "scored" in output, error
    record = only(ran)
    assert record.scores["warmth"].scale.unit == "levels"
    assert record.provenance.metrics == {"colour": "colour-1", "warmth": "warmth-1"}
    for pixels, _, score in cells(ran, record):
        expected = (pixels[..., 0] - pixels[..., 2]).mean() + 1000 * 4.5
        assert score == pytest.approx(expected)


def test_one_number_for_a_set_of_images(cli, ran, track_file, tmp_path):
    for metric in ("warmth", "colour_gap"):
        code, _, error = cli("score", "--metric", metric, "--track", track_file, "--results", ran)
        assert code == 0, error
    record = only(ran)
    gaps = [gap for row in record.scores["colour_gap"].rows for gap in row]
    for (pixels, task, _), gap in zip(cells(ran, record), gaps, strict=True):
        references = [
            np.asarray(Image.open(p).convert("RGB")) for p in (tmp_path / "stream" / task).iterdir()
        ]
        apart = pixels.mean((0, 1)) - np.mean([image.mean((0, 1)) for image in references], axis=0)
        assert gap == pytest.approx(np.linalg.norm(apart))
    code, output, _ = cli("leaderboard", ran, "--stats")
    assert code == 0 and "score colour_gap ↓" in output.replace("\\", "") and "lower is better" in output
    assert (
        "colour_gap: score in levels, lower is better" in cli("show", record.file_name, "--results", ran)[1]
    )


def test_another_digest_is_scored_again(cli, ran, track_file, monkeypatch):
    words = ("score", "--metric", "warmth", "--track", track_file, "--results", ran)
    assert cli(*words)[0] == 0 and "had it already" in cli(*words)[1]
    cls, first = registry.load("metrics", "warmth"), only(ran).scores["warmth"]
    monkeypatch.setattr(cls, "digest", "warmth-2")
    monkeypatch.setattr(cls, "score", lambda self, images, prompts: [7.0] * len(images))
    code, output, _ = cli(*words)
    assert code == 0 and "scored" in output
    assert only(ran).scores["warmth"].rows[0] == (7.0,) != first.rows[0]
    assert only(ran).provenance.metrics["warmth"] == "warmth-2"


def test_a_run_with_all_kinds(cli, track_values, tmp_path):
    track_values["suites"]["colours"]["metrics"] = ["colour", "warmth", "colour_gap"]
    track = tmp_path / "all.yaml"
    track.write_text(yaml.safe_dump(track_values))
    words = (
        "run",
        "--method",
        "naive",
        "--suite",
        "colours",
        "--track",
        track,
        "--results",
        tmp_path / "all",
    )
    code, _, error = cli(*words)
    assert code == 0, error
    assert [s.scale.better for s in only(tmp_path / "all").scores.values()] == ["higher", "higher", "lower"]
