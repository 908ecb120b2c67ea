"""`cbench prepare` and `cbench doctor` as a new user meets them without a network."""

import json
from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """No weights, no data, a hub that cannot be reached, and room on the disk whatever this machine has."""
    monkeypatch.setattr("cbench.room.shutil.disk_usage", lambda place: SimpleNamespace(free=10**12))
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("CBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def test_dry_run_says_all_that_is_needed(cli, tmp_path):
    code, told, _ = cli("prepare", "--track", "sdxl", "--dry-run")
    lines = told.splitlines()
    assert code == 0 and sum(line.startswith("missing") for line in lines) == 7
    for words in (
        ("pipeline", "stabilityai/stable-diffusion-xl-base-1.0", "13.9 GB", "Open RAIL++-M"),
        ("autoencoder", "madebyollin/sdxl-vae-fp16-fix", "MIT"),
        ("encoder", "timm/vit_small_patch16_224.dino", "87 MB", "Apache-2.0"),
        ("encoder", "tomg-group-umd/CSD-ViT-L", "2.4 GB", "CC-BY-4.0"),
        ("data", "google/dreambooth", str(tmp_path / "data" / "dreambooth")),
        ("data", "OPTML-Group/UnlearnCanvas", "77.0 GB"),
    ):
        assert any(all(word in line for word in words) for line in lines), words
    assert lines[-1].startswith("to fetch: ")


def test_one_suite_needs_less_and_json_is_for_programs(cli):
    code, told, _ = cli("prepare", "--track", "sdxl", "--suite", "objects", "--dry-run", "--json")
    found = json.loads(told)
    assert code == 0 and {need["kind"] for need in found} == {"pipeline", "autoencoder", "encoder", "data"}
    assert not any("CSD" in need["name"] for need in found) and all(need["found"] is None for need in found)


def test_the_text_metric_of_the_companions_is_needed_too(cli):
    code, told, _ = cli("prepare", "--track", "sdxl", "--suite", "styles", "--dry-run", "--json")
    assert code == 0 and "timm/vit_base_patch32_clip_224.openai" in {need["name"] for need in json.loads(told)}


def test_offline_it_says_where_to_put_things(cli, tmp_path):
    code, _, error = cli("prepare", "--track", "sd15", "--suite", "objects")
    assert code == 3 and "4 of 4 are missing" in error and error.count("\n") == 1
    assert str(tmp_path / "weights" / "stable-diffusion-v1-5" / "stable-diffusion-v1-5") in error


def test_what_is_there_is_not_fetched(cli, track_file):
    code, told, _ = cli("prepare", "--track", track_file)
    assert code == 0 and told.startswith("there") and "your own" in told


def test_unknown_suite(cli):
    code, _, error = cli("prepare", "--track", "sdxl", "--suite", "object")
    assert code == 2 and "did you mean 'objects'" in error


def test_doctor_of_a_track_that_can_run(cli, track_file, tmp_path, plugin):
    code, told, error = cli("doctor", "--track", track_file, "--out", tmp_path / "out")
    assert "ok  device" in told and "ok  results disk" in told and "ok  suite colours" in told and "ok  pipeline" in told
    assert code == 1 and "breaks_on_import" in told and "checks failed: plugin" in error


def test_doctor_names_all_that_is_missing(cli, tmp_path):
    code, told, error = cli("doctor", "--track", "sdxl", "--out", tmp_path / "out", "--device", "cpu")
    assert code == 1 and "NOT pipeline" in told and "NOT suite objects" in told and "NOT device" in told and "too slow for sdxl" in told
    assert "checks failed" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_doctor_for_programs(cli, track_file, tmp_path):
    _, told, _ = cli("doctor", "--track", track_file, "--out", tmp_path / "out", "--json")
    assert {"what", "good", "told"} == set(json.loads(told)[0])


def test_no_room_is_said_before_anything_is_fetched(cli, monkeypatch):
    """Disks of one megabyte: the doctor and `prepare` say so."""
    monkeypatch.setattr("cbench.room.shutil.disk_usage", lambda place: SimpleNamespace(free=1_000_000))
    code, _, error = cli("prepare", "--track", "sdxl", "--suite", "objects")
    assert code == 3 and "no room for it: 1 MB free in" in error and "14.9 GB to fetch" in error and error.count("\n") == 1
    assert "NOT weights disk" in cli("doctor", "--track", "sdxl", "--suite", "objects", "--device", "cpu")[1]


def test_a_hub_that_does_not_answer_is_asked_once(cli, monkeypatch):
    from cbench import fetch
    from cbench.errors import Unreachable

    asked = []

    def refuse(need):
        asked.append(need)
        raise Unreachable("the hub cannot be reached")

    monkeypatch.setattr(fetch, "fetch", refuse)
    code, _, error = cli("prepare", "--track", "sdxl")
    assert code == 3 and len(asked) == 1 and "7 of 7 are missing: the hub cannot be reached; put by hand" in error
    assert error.count(" at /") == 7


@pytest.mark.parametrize(("track", "seconds"), [("sdxl", 14.5575e12), ("sd15", 1.765e12)])
def test_dry_run_without_weights_tells_the_least(cli, photographs, tmp_path, monkeypatch, track, seconds):
    monkeypatch.setenv("CBENCH_DATA", str(photographs))
    monkeypatch.setattr("cbench.probe.rate", lambda device, dtype: 1e12)
    words = ["run", "--track", track, "--suite", "objects", "--method", "merge_init", "--dry-run", "--out", tmp_path / "out"]
    code, told, error = cli(*words, "--json")
    plan = json.loads(told)
    assert code == 0 and plan["training_steps"] == 8500 and plan["images"] == 2600, error
    assert plan["seconds_a_step"] == pytest.approx(seconds / 1e12) and "the weights are not here" in plan["from"]
    assert plan["expected_disk_bytes"] > 10 * 12_000_000 * 4
    assert "at least" in cli(*words)[1] and not (tmp_path / "out").exists()


def test_dry_run_of_unknown_weights_says_what_is_missing(cli, track_values, tmp_path):
    import yaml

    track_values["backbone"] = {"path": "some/model", "resolution": 64}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(track_values))
    words = ["run", "--track", tmp_path / "t.yaml", "--suite", "colours", "--method", "naive", "--dry-run"]
    code, _, error = cli(*words)
    assert code == 2 and "some/model is not on this machine: run `cbench prepare`" in error and error.count("\n") == 1
