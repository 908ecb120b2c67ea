"""`cbench prepare` and `cbench doctor` as a new user meets them without a network."""

import json

import pytest


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """No weights, no data, and a hub that cannot be reached."""
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
