"""`cbench run` on a small random pipeline: the whole story, and what a user may do wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from cbench.record.files import read_record
from cbench.resources.pipeline_files import digest_pipeline

METHODS = ("base", "naive", "merge_init", "ortho_init", "magmax", "half_merge")


def run_words(method, track_file, out, *more):
    return ["run", "--method", method, "--suite", "colours", "--track", track_file, "--results", out, *more]


def content(record):
    return record.model_dump(exclude={"costs", "provenance"})


@pytest.fixture
def ran(learn, track_file, tmp_path):
    """A results folder with one run of merge_init."""
    return learn(track_file, tmp_path / "out")


def test_every_method_runs_and_shares_work(cli, track_file, tmp_path):
    out = tmp_path / "out"
    for method in METHODS:
        code, output, error = cli(*run_words(method, track_file, out))
        assert code == 0 and method in output, error
    stored = {p.name: read_record(p) for p in (out / "records").iterdir()}
    assert len(stored) == len(METHODS) and all(r.complete for r in stored.values())
    first = {r.kept.adapters[0] for r in stored.values() if r.kept.adapters}
    assert len(first) == 1, "the first task's training is the same for all methods that begin alike"
    assert len({r.kept.base_images for r in stored.values()}) == 1
    base = stored["tiny-colours-base-o0-s0.json"].scores["colour"]
    assert all(row == base.base[: len(row)] for row in base.rows)
    code, table, _ = cli("leaderboard", out)
    assert code == 0 and all(m in table for m in METHODS)


def test_training_changes_the_images(ran):
    record = read_record(next((ran / "records").iterdir()))
    assert record.kept.images[0][0] != record.kept.base_images[0]
    assert (
        record.costs.trained_parameters > 0 and record.costs.memory_bytes > 0 and record.costs.disk_bytes > 0
    )


def test_other_weights_in_the_same_place_show(cli, ran, track_file, sdxl_folder, tmp_path, monkeypatch):
    """As where weights are put by hand: the track's file is the same."""
    from cbench.backbone import load as open_backbone

    assert read_record(next((ran / "records").iterdir())).provenance.weights == digest_pipeline(sdxl_folder)
    moved = shutil.copytree(sdxl_folder, tmp_path / "moved")
    with (moved / "model_index.json").open("a") as index:
        index.write("\n")
    monkeypatch.setattr(open_backbone, "locate", lambda spec, assets: moved)
    assert cli(*run_words("merge_init", track_file, tmp_path / "other"))[0] == 0
    code, output, _ = cli("compare", ran, tmp_path / "other")
    assert code == 0 and "weights" in output and digest_pipeline(moved) in output


def test_repeating_does_nothing_twice(cli, ran, track_file):
    before = {p: p.stat().st_mtime_ns for p in ran.rglob("*") if p.is_file()}
    assert cli(*run_words("merge_init", track_file, ran))[0] == 0
    assert before == {p: p.stat().st_mtime_ns for p in ran.rglob("*") if p.is_file()}


def test_lost_record_is_put_together_from_the_store(cli, ran, track_file):
    path = next((ran / "records").iterdir())
    first, made = (
        read_record(path),
        {p: p.stat().st_mtime_ns for p in (ran / "store").rglob("*.*") if p.is_file()},
    )
    path.unlink()
    assert cli(*run_words("merge_init", track_file, ran))[0] == 0
    assert content(read_record(path)) == content(first)
    assert made == {p: p.stat().st_mtime_ns for p in (ran / "store").rglob("*.*") if p.is_file()}


def test_batch_size_has_no_part_in_the_numbers(cli, ran, track_values, tmp_path):
    track_values["sampling"]["batch"] = 1
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(track_values))
    assert cli(*run_words("merge_init", other, tmp_path / "out2"))[0] == 0
    one, two = (read_record(next((folder / "records").iterdir())) for folder in (ran, tmp_path / "out2"))
    assert one.track == two.track and one.kept == two.kept
    for a, b in zip(one.scores["colour"].rows, two.scores["colour"].rows, strict=True):
        assert a == pytest.approx(b, abs=1e-3)


def test_limit_then_the_whole(cli, track_file, tmp_path):
    out = tmp_path / "out"
    assert cli(*run_words("naive", track_file, out, "--limit-tasks", 1))[0] == 0
    record = read_record(next((out / "records").iterdir()))
    assert record.learned == 1 and not record.complete
    assert cli(*run_words("naive", track_file, out))[0] == 0
    assert read_record(next((out / "records").iterdir())).complete


def test_all_runs_every_order_and_seed(cli, track_file, tmp_path):
    out = tmp_path / "out"
    assert cli(*run_words("base", track_file, out, "--all"))[0] == 0
    assert {(r.order, r.seed) for r in map(read_record, (out / "records").iterdir())} == {
        (0, 0),
        (0, 5),
        (5, 0),
        (5, 5),
    }


def test_all_runs_load_the_model_once_and_are_what_each_is_alone(cli, track_file, tmp_path, loads):
    out, other = tmp_path / "out", tmp_path / "other"
    assert cli(*run_words("merge_init", track_file, out, "--all", "--limit-tasks", "1"))[0] == 0
    assert sorted(loads) == ["backbone", "colour"]
    assert (
        cli(*run_words("merge_init", track_file, other, "--order", "5", "--seed", "5", "--limit-tasks", "1"))[
            0
        ]
        == 0
    )
    path = next((other / "records").iterdir())
    assert content(read_record(path)) == content(read_record(out / "records" / path.name))


def test_dry_run_writes_nothing(cli, track_file, tmp_path):
    code, output, _ = cli(*run_words("naive", track_file, tmp_path / "out", "--all", "--dry-run", "--json"))
    plan = json.loads(output)
    assert code == 0 and not (tmp_path / "out").exists()
    # four runs of three trainings and six cells: all share the base model's three cells, and both orders
    # begin with the same task, whose training and cell they share
    assert (plan["runs"], plan["trainings"], plan["training_steps"]) == (4, 4 * 3 - 2, 30)
    assert plan["images"] == (3 + 4 * 6 - 2) * 4 and plan["expected_seconds"] >= 0


def test_options_are_typed_and_told(cli, track_file, tmp_path):
    out = tmp_path / "out"
    assert cli(*run_words("ortho_init", track_file, out, "--set", "sum=factors"))[0] == 0
    assert read_record(
        out / "records" / "tiny-colours-ortho_init(sum=factors)-o0-s0.json"
    ).method.options == {"sum": "factors"}


def test_stable_diffusion_1_runs_on_the_same_path(cli, sd15_folder, track_values, tmp_path):
    track_values["backbone"]["path"] = str(sd15_folder)
    track_values["training"]["prior"] = {
        "prompts": ["a cat"],
        "images_per_prompt": 2,
        "batch": 1,
        "weight": 1.0,
    }
    path = tmp_path / "sd15.yaml"
    path.write_text(yaml.safe_dump(track_values))
    code, _, error = cli(*run_words("merge_init", path, tmp_path / "out"))
    assert code == 0, error


@pytest.mark.parametrize("after", ["adapters", "images", "scores"])
def test_killed_run_goes_on_and_ends_alike(cli, ran, track_file, tmp_path, plugin, after):
    out, environment = tmp_path / "killed", {**os.environ, "PYTHONPATH": str(plugin)}
    words = [str(w) for w in run_words("merge_init", track_file, out)]
    program = [sys.executable, "-c", "from cbench.cli import main; main()", *words]
    process = subprocess.Popen(program, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while (
        not list((out / "store" / after).glob("*/*"))
        and process.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert cli(*run_words("merge_init", track_file, out))[0] == 0
    assert content(read_record(next((out / "records").iterdir()))) == content(
        read_record(next((ran / "records").iterdir()))
    )


BAD = [
    (["--method", "merg_init"], "unknown method 'merg_init'; did you mean 'merge_init'"),
    (["--suite", "colors"], "unknown suite of track tiny 'colors'; did you mean 'colours'"),
    (["--track", "mimi"], "unknown track 'mimi'"),
    (["--track", "nowhere.yaml"], "track file nowhere.yaml: No such file"),
    (["--order", "3"], "unknown order of track tiny '3'"),
    (["--seed", "1"], "unknown seed of track tiny '1'"),
    (["--all", "--order", "0"], "--all runs every order; leave out --order"),
    (["--limit-tasks", "0"], "--limit-tasks 0: colours has tasks 1 to 3"),
    (["--limit-tasks", "4"], "--limit-tasks 4: colours has tasks 1 to 3"),
    (["--method", "breaks_on_import"], "package cbench-example fails to load its method 'breaks_on_import'"),
    (
        ["--method", "not_a_method"],
        "package cbench-example registers 'not_a_method' as a method, but it is not a subclass",
    ),
    (["--set", "exact"], "write it as name=value"),
    (["--set", "exakt=1"], "unknown option of merge_init 'exakt'"),
    (["--device", "tpu:9"], "device 'tpu:9' cannot be used here"),
]


@pytest.mark.parametrize(("more", "line"), BAD)
def test_bad_input_is_one_line(cli, track_file, tmp_path, more, line):
    code, _, error = cli(*run_words("merge_init", track_file, tmp_path / "out", *more))
    assert code == 2 and line in error and error.count("\n") == 1 and "Traceback" not in error
    assert not list(tmp_path.glob("out/records/*"))


def test_results_folder_that_is_a_file(cli, track_file, tmp_path):
    (tmp_path / "out").write_text("mine")
    code, _, error = cli(*run_words("base", track_file, tmp_path / "out"))
    assert code == 2 and "results folder" in error and (tmp_path / "out").read_text() == "mine"


def test_record_of_a_newer_schema_is_kept(cli, ran, track_file):
    path = next((ran / "records").iterdir())
    path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 99'))
    text = path.read_text()
    code, _, error = cli(*run_words("merge_init", track_file, ran))
    assert code == 2 and "newer than this cbench reads" in error and path.read_text() == text


def test_record_of_another_protocol_is_kept(cli, ran, track_values, tmp_path):
    track_values["training"]["steps"] = 4
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(track_values))
    code, _, error = cli(*run_words("merge_init", other, ran))
    assert code == 2 and "another version of the track" in error


def test_nan_loss_is_named_and_nothing_is_kept(cli, track_values, tmp_path):
    track_values["training"] |= {"learning_rate": 1e30, "max_grad_norm": 1e30}
    path = tmp_path / "wild.yaml"
    path.write_text(yaml.safe_dump(track_values))
    code, _, error = cli(*run_words("merge_init", path, tmp_path / "out"))
    assert (
        code == 2 and "the loss is" in error and not list((tmp_path / "out" / "store").glob("adapters/*/*"))
    )


@pytest.mark.parametrize("damage", ["broken", "empty", "gone"])
def test_broken_stream_names_the_image(cli, track_file, stream_file, tmp_path, damage):
    folder = stream_file.parent / "green"
    if damage == "broken":
        (folder / "0.png").write_bytes(b"no image")
    else:
        for path in folder.iterdir():
            path.unlink()
        if damage == "gone":
            folder.rmdir()
    code, _, error = cli(*run_words("base", track_file, tmp_path / "out"))
    assert code == 2 and "green" in error and error.count("\n") == 1


def test_a_folder_in_which_a_newer_cbench_wrote_is_left_alone(cli, track_file, tmp_path):
    out = tmp_path / "out"
    other = out / "records" / "tiny-colours-naive-o0-s0.json"
    other.parent.mkdir(parents=True)
    other.write_text('{"seal":"00","schema_version": 99}')
    code, _, error = cli(*run_words("base", track_file, out))
    assert (
        code == 2
        and "newer than this cbench reads" in error
        and [p for p in out.rglob("*") if p.is_file()] == [other]
    )


def test_what_cannot_work_is_told_before_anything_is_sampled(cli, track_values, tmp_path, monkeypatch):
    from cbench_example.metric import Colour

    def fails(self, device):
        raise OSError("no weights")

    track, out = tmp_path / "half.yaml", tmp_path / "out"
    words = ("run", "--method", "merge_init", "--suite", "colours", "--track", track, "--results", out)
    track.write_text(yaml.safe_dump(track_values))
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Colour, "__init__", fails)
        code, _, error = cli(*words)
    assert (
        code == 2
        and "metric 'colour' failed: OSError: no weights" in error
        and not list(out.glob("store/*/*/*"))
    )
    track_values["backbone"]["dtype"] = "float16"
    track.write_text(yaml.safe_dump(track_values))
    code, _, error = cli(*words)
    assert (
        code == 2 and "float16 cannot represent the gradients" in error and not list(out.glob("store/*/*/*"))
    )
