"""`cbench prepare` and `cbench doctor` as a new user meets them without a network."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.resources.download import download
from cbench.resources.requirements import requirements

SAFE = "diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def nothing_here(tmp_path, monkeypatch):
    """No weights, no data, a hub that cannot be reached, and room on the disk whatever this machine has."""
    monkeypatch.setattr(
        "cbench.resources.disk_space.shutil.disk_usage", lambda place: SimpleNamespace(free=10**12)
    )
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("CBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path


def test_dry_run_says_all_that_is_needed(cli, tmp_path):
    code, output, _ = cli("prepare", "--track", "sdxl", "--dry-run")
    lines = output.splitlines()
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
    code, output, _ = cli("prepare", "--track", "sdxl", "--suite", "objects", "--dry-run", "--json")
    needs = json.loads(output)
    assert code == 0 and {need["kind"] for need in needs} == {"pipeline", "autoencoder", "encoder", "data"}
    assert not any("CSD" in need["name"] for need in needs) and all(need["path"] is None for need in needs)


def test_the_text_metric_of_the_companions_is_needed_too(cli):
    code, output, _ = cli("prepare", "--track", "sdxl", "--suite", "styles", "--dry-run", "--json")
    assert code == 0 and "timm/vit_base_patch32_clip_224.openai" in {
        need["name"] for need in json.loads(output)
    }


def test_offline_it_says_where_to_put_things(cli, tmp_path):
    code, _, error = cli("prepare", "--track", "sd15", "--suite", "objects")
    assert code == 3 and "4 of 4 are missing" in error and error.count("\n") == 1
    assert str(tmp_path / "weights" / "stable-diffusion-v1-5" / "stable-diffusion-v1-5") in error


def test_the_revision_to_fetch_by_hand_is_told(cli):
    at = "stable-diffusion-v1-5/stable-diffusion-v1-5 at revision 451f4fe16113bff5a5d2269ed5ad43b0592e9a14"
    assert f"{at}  (4.3 GB" in cli("prepare", "--track", "sd15", "--dry-run")[1]
    error = cli("prepare", "--track", "sd15")[2]
    assert (
        f"{at} at /" in error and "openai at revision a6f597a30f7b82c51704746581f9a4e41421e878 at /" in error
    )


def test_what_is_there_is_not_fetched(cli, track_file):
    code, output, _ = cli("prepare", "--track", track_file)
    assert code == 0 and output.startswith("present") and "your own" in output


def test_unknown_suite(cli):
    code, _, error = cli("prepare", "--track", "sdxl", "--suite", "object")
    assert code == 2 and "did you mean 'objects'" in error


def test_doctor_of_a_track_that_can_run(cli, track_file, tmp_path, plugin):
    code, output, error = cli("doctor", "--track", track_file, "--results", tmp_path / "out")
    assert (
        "ok   device" in output
        and "ok   results disk" in output
        and "ok   suite colours" in output
        and "ok   pipeline" in output
    )
    assert code == 1 and "breaks_on_import" in output and "checks failed: plugin" in error


def test_doctor_names_all_that_is_missing(cli, tmp_path):
    code, output, error = cli("doctor", "--track", "sdxl", "--results", tmp_path / "out", "--device", "cpu")
    assert (
        code == 1
        and "FAIL pipeline" in output
        and "FAIL suite objects" in output
        and "FAIL device" in output
        and "too slow for sdxl" in output
    )
    assert "checks failed" in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_doctor_knows_what_a_run_stores_and_what_its_weights_take(cli, photographs, tmp_path, monkeypatch):
    """Of the study's track: 55 cells and the base model's ten, of 40 images of 1024 px each, and ten adapters
    of rank 64."""
    monkeypatch.setenv("CBENCH_DATA", str(photographs))
    words = ("doctor", "--track", "sdxl", "--suite", "objects", "--device", "cpu", "--results", tmp_path)
    disk = f"a run stores at most {(65 * 40 * 1024**2 * 3 + 10 * 64 * 1_451_520 * 4) / 1e9:.1f} GB"
    for gigabytes, good in ((13, "ok  "), (12, "FAIL")):
        monkeypatch.setattr(
            "cbench.preflight.doctor.shutil.disk_usage",
            lambda place, free=gigabytes: SimpleNamespace(free=free * 10**9),
        )
        assert f"{good} results disk    {gigabytes}.0 GB free in {tmp_path}, {disk}" in cli(*words)[1]
    for gigabytes, good in ((16, "ok  "), (12, "FAIL")):
        monkeypatch.setattr(
            "cbench.preflight.doctor.os.sysconf",
            lambda name, whole=gigabytes: whole * 10**9 if "PHYS" in name else 1,
        )
        assert (
            f"{good} memory          {gigabytes}.0 GB in the computer, the weights of sdxl take 14.2 GB"
            in cli(*words)[1]
        )


def test_doctor_for_programs(cli, track_file, tmp_path):
    _, output, _ = cli("doctor", "--track", track_file, "--results", tmp_path / "out", "--json")
    assert {"what", "good", "detail"} == set(json.loads(output)[0])


def test_no_room_is_said_before_anything_is_fetched(cli, monkeypatch):
    """Disks of one megabyte: the doctor and `prepare` say so."""
    monkeypatch.setattr(
        "cbench.resources.disk_space.shutil.disk_usage", lambda place: SimpleNamespace(free=1_000_000)
    )
    code, _, error = cli("prepare", "--track", "sdxl", "--suite", "objects")
    assert (
        code == 3
        and "no room for it: 1 MB free in" in error
        and "14.9 GB to download" in error
        and error.count("\n") == 1
    )
    assert "FAIL weights disk" in cli("doctor", "--track", "sdxl", "--suite", "objects", "--device", "cpu")[1]


def test_what_comes_to_one_disk_must_fit_together(cli, monkeypatch):
    """The weights, 17 GB, and the data, 77 GB, each fit on a disk of 80 GB."""
    monkeypatch.setattr(
        "cbench.resources.disk_space.shutil.disk_usage", lambda place: SimpleNamespace(free=80 * 10**9)
    )
    code, _, error = cli("prepare", "--track", "sdxl", "--suite", "styles")
    assert code == 3 and "no room for it: 80.0 GB free in" in error and error.count("to download") == 1
    output = cli("doctor", "--track", "sdxl", "--suite", "styles", "--device", "cpu")[1]
    assert "FAIL weights disk" in output and "FAIL data disk" in output


def test_a_hub_that_does_not_answer_is_asked_once(cli, monkeypatch):
    from cbench.errors import Unreachable

    asked = []

    def refuse(need):
        asked.append(need)
        raise Unreachable("the hub cannot be reached")

    monkeypatch.setattr("cbench.resources.download.download", refuse)
    code, _, error = cli("prepare", "--track", "sdxl")
    assert (
        code == 3
        and len(asked) == 1
        and "7 of 7 are missing: the hub cannot be reached; put by hand" in error
    )
    assert error.count(" at /") == 7


@pytest.mark.parametrize(
    ("track", "seconds"),
    [("sdxl", 14.5575e12), ("sd15", 1.765e12), ("sd35m", 27.3519e12), ("flux2_klein", 77.2826e12)],
)
def test_dry_run_without_weights_tells_the_least(cli, photographs, tmp_path, monkeypatch, track, seconds):
    monkeypatch.setenv("CBENCH_DATA", str(photographs))
    monkeypatch.setattr("cbench.preflight.probe.rate", lambda device, dtype: 1e12)
    words = [
        "run",
        "--track",
        track,
        "--suite",
        "objects",
        "--method",
        "merge_init",
        "--dry-run",
        "--results",
        tmp_path / "out",
    ]
    code, output, error = cli(*words, "--json")
    plan = json.loads(output)
    assert code == 0 and plan["training_steps"] == 8500 and plan["images"] == 2600, error
    assert (
        plan["seconds_a_step"] == pytest.approx(seconds / 1e12) and "the weights are not here" in plan["from"]
    )
    assert plan["expected_disk_bytes"] > 10 * 12_000_000 * 4
    assert plan["expected_memory_bytes"] > plan["expected_gpu_bytes"] > 1.8e9
    assert "at least" in cli(*words)[1] and not (tmp_path / "out").exists()


def test_dry_run_of_unknown_weights_says_what_is_missing(cli, track_values, tmp_path):
    track_values["backbone"] = {"path": "some/model", "resolution": 64}
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(track_values))
    words = ["run", "--track", tmp_path / "t.yaml", "--suite", "colours", "--method", "naive", "--dry-run"]
    code, _, error = cli(*words)
    assert (
        code == 2
        and "some/model is not on this machine: run `cbench prepare`" in error
        and error.count("\n") == 1
    )


@pytest.fixture
def hub_track(track_values, tmp_path):
    """The tiny track with its pipeline from the hub."""
    track_values["backbone"] = {"path": "some/model", "revision": "1" * 40, "resolution": 64}
    (tmp_path / "hub.yaml").write_text(yaml.safe_dump(track_values))
    return tmp_path / "hub.yaml"


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def snapshot(home, folder):
    """The folder as the hub's cache has it: links to blobs."""
    place = home / "cache" / "models--some--model"
    for path in filter(Path.is_file, folder.rglob("*")):
        link, blob = (
            place / "snapshots" / ("1" * 40) / path.relative_to(folder),
            place / "blobs" / f"{path.parent.name}-{path.name}",
        )
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            blob.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, blob)
            link.symlink_to(blob)
    return place / "snapshots" / ("1" * 40)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: shutil.rmtree(folder / "vae"), "no vae/config.json in "),
        (lambda folder: (folder / "vae" / SAFE).unlink(), "no vae/*.safetensors in "),
        (lambda folder: shutil.rmtree(folder / "text_encoder"), "no text_encoder/config.json in "),
        (
            lambda folder: (folder / "text_encoder_2" / "model.safetensors").unlink(),
            "no text_encoder_2/*.safetensors in ",
        ),
        (
            lambda folder: (folder / "tokenizer_2" / "tokenizer.json").unlink(),
            "no tokenizer_2/tokenizer.json or ",
        ),
        (lambda folder: shutil.rmtree(folder / "scheduler"), "no scheduler/scheduler_config.json in "),
        (lambda folder: cut(folder / "unet" / SAFE), f"unet/{SAFE} is truncated"),
        (lambda folder: (folder / "unet" / SAFE).write_bytes(b""), f"unet/{SAFE} is truncated"),
        (
            lambda folder: (folder / "unet" / SAFE).write_bytes(b"<html>no such page</html>"),
            f"unet/{SAFE} is truncated",
        ),
    ],
)
def test_a_pipeline_of_which_a_part_came_is_not_there(
    cli, hub_track, sdxl_whole_folder, tmp_path, damage, why
):
    folder = tmp_path / "weights" / "some" / "model"
    shutil.copytree(sdxl_whole_folder, folder)
    assert cli("prepare", "--track", hub_track)[1].startswith("present ")
    damage(folder)
    code, output, error = cli("prepare", "--track", hub_track)
    assert (
        code == 3
        and output.startswith("incomplete pipeline")
        and why in output
        and "1 of 1 are missing" in error
    )
    assert why in json.loads(cli("prepare", "--track", hub_track, "--dry-run", "--json")[1])[0]["reason"]
    assert (
        f"FAIL pipeline        {output.splitlines()[0]}"
        in cli("doctor", "--track", hub_track, "--results", tmp_path / "out")[1]
    )
    words = [
        "run",
        "--track",
        hub_track,
        "--suite",
        "colours",
        "--method",
        "naive",
        "--results",
        tmp_path / "out",
    ]
    code, _, error = cli(*words)
    assert (
        code == 2
        and "some/model at revision 111111111111 is incomplete (" in error
        and error.count("\n") == 1
    )


def test_a_replaced_autoencoder_need_not_be_there(cli, track_values, sdxl_whole_folder, tmp_path):
    shutil.copytree(sdxl_whole_folder, tmp_path / "weights" / "some" / "model")
    (tmp_path / "weights" / "some" / "model" / "vae").rename(tmp_path / "vae")
    track_values["backbone"] = {
        "path": "some/model",
        "vae": {"path": str(tmp_path / "vae")},
        "resolution": 64,
    }
    (tmp_path / "hub.yaml").write_text(yaml.safe_dump(track_values))
    code, output, _ = cli("prepare", "--track", tmp_path / "hub.yaml")
    assert code == 0 and [line.split()[0] for line in output.splitlines()] == ["present", "present"]


def test_what_is_cut_short_in_the_cache_is_fetched_again(
    cli, hub_track, sdxl_whole_folder, tmp_path, monkeypatch
):
    """The hub's client, as here its stand-in, leaves alone what is there."""
    place = snapshot(tmp_path, sdxl_whole_folder)
    assert cli("prepare", "--track", hub_track)[1].startswith("present ")
    before = (place / "vae" / SAFE).stat().st_mtime_ns
    cut((place / "unet" / SAFE).resolve())
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **options: snapshot(tmp_path, sdxl_whole_folder)
    )
    code, output, error = cli("prepare", "--track", hub_track)
    assert code == 0 and output.startswith("incomplete ") and f"fetched  {place}" in output, error
    assert cli("prepare", "--track", hub_track)[1].startswith("present ")
    assert (place / "vae" / SAFE).stat().st_mtime_ns == before, "what was whole is left alone"


@pytest.mark.parametrize(
    ("metric", "file", "size", "why"),
    [
        ("timm/vit_small_patch16_224.dino", "model.safetensors", 86_000_000, "is truncated"),
        ("timm/vit_base_patch32_clip_224.openai", "open_clip_model.safetensors", 604_999_999, "is truncated"),
        (
            "tomg-group-umd/CSD-ViT-L",
            "pytorch_model.bin",
            2_438_228_892,
            "has 2438228892 bytes, the published file 2.4 GB",
        ),
        (
            "tomg-group-umd/CSD-ViT-L",
            "pytorch_model.bin",
            4_000_000_000,
            "has 4000000000 bytes, the published file 2.4 GB",
        ),
    ],
)
def test_an_encoder_of_another_size_is_not_there(cli, tmp_path, metric, file, size, why):
    place = tmp_path / "weights" / metric / file
    place.parent.mkdir(parents=True)
    with place.open("wb") as opened:  # a file of holes
        opened.write(
            (64).to_bytes(8, "little") + b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,9000000000]}} '
        )
        opened.truncate(size)
    code, output, _ = cli("prepare", "--track", "sdxl", "--dry-run")
    assert code == 0 and any(
        line.startswith("incomplete encoder") and f"{place} {why}" in line for line in output.splitlines()
    ), output
    assert f"{place} {why}" in cli("doctor", "--track", "sdxl", "--device", "cpu", "--results", tmp_path)[1]


def test_an_encoder_that_is_not_whole_is_fetched_by_force(tmp_path, monkeypatch):
    """And one that comes and is not the published one is not kept in the cache, where it would be taken for
    it."""
    place = tmp_path / "weights" / "timm" / "vit_small_patch16_224.dino" / "model.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    asked, came = [], tmp_path / "model.safetensors"

    def from_hub(repo, name, revision, force_download):
        asked.append((name, force_download))
        came.write_bytes(b"something else")
        return str(came)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", from_hub)
    dino = next(need for need in requirements(open_track("sd15"), ["objects"]) if "dino" in need.name)
    with pytest.raises(BadInput, match="is not the published"):
        download(dino)
    assert asked == [("model.safetensors", True)] and not came.exists()


@pytest.mark.parametrize(
    ("left", "state"),
    [
        ([".cache/huggingface/.gitignore"], "incomplete"),
        ([".cache/huggingface/download/x.1.incomplete", "dataset/can/00.jpg"], "incomplete"),
        ([".cache/huggingface/download/x.metadata", "dataset/can/00.jpg"], "present"),
    ],
)
def test_a_download_of_data_that_broke_off(cli, tmp_path, monkeypatch, left, state):
    home = tmp_path / "data" / "dreambooth"
    for name in left:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"x")
    output = [
        line
        for line in cli("prepare", "--track", "sd15", "--suite", "objects", "--dry-run")[1].splitlines()
        if " data " in line
    ]
    assert output[0].startswith(state) and (
        state == "present" or f"the download into {home} was interrupted" in output[0]
    )


def test_a_gate_is_told_before_the_fetching(cli):
    lines = cli("prepare", "--track", "sd35m", "--dry-run")[1].splitlines()
    line = next(line for line in lines if "stable-diffusion-3.5-medium at revision b940f670" in line)
    assert "(16.3 GB, Stability AI Community License, gated: accept it on its page" in line
    needs = json.loads(cli("prepare", "--track", "flux2_klein", "--dry-run", "--json")[1])
    pipeline = next(need for need in needs if need["kind"] == "pipeline")
    assert pipeline["licence"] == "Apache 2.0" and pipeline["gated"] is False
