import shutil

import pytest
import yaml

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
