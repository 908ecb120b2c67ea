"""Exported files read by diffusers: the images are those of the run."""

import re
import resource

import numpy as np
import pytest
import torch
import yaml
from diffusers import DiffusionPipeline
from safetensors.torch import load_file

from cbench.backbone.backbone import Backbone
from cbench.backbone.families import open_family
from cbench.method import Memory
from cbench.plan import open_track
from cbench.posthoc.export import low_rank
from cbench.record.files import read_record
from cbench.stages.sample import sample
from cbench.utils.images import read_sheet


def record_of(out):
    return next((out / "records").iterdir())


@pytest.fixture(params=["sdxl", "sd15"])
def ran(request, learn, track_values, sdxl_folder, sd15_folder, tmp_path):
    """Two tasks of merge_init, trained hard enough to be seen: (track file, results folder)."""
    track_values["backbone"]["path"] = str(sdxl_folder if request.param == "sdxl" else sd15_folder)
    track_values["training"] |= {"learning_rate": 0.1, "steps": 4}
    track = tmp_path / "track.yaml"
    track.write_text(yaml.safe_dump(track_values))
    return track, learn(track, tmp_path / "out", "merge_init", "--limit-tasks", 2)


def images_with(track, file, name):
    """Images of a task's prompts by the plain pipeline with the file's LoRA."""
    protocol = open_track(str(track))
    pipeline = DiffusionPipeline.from_pretrained(protocol.backbone.path)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.load_lora_weights(file.parent, weight_name=file.name)
    return sample(
        Backbone(open_family(pipeline, protocol.backbone.resolution)),
        {},
        [f"a {name} cat", f"{name} tree"],
        protocol.sampling,
    ).astype(int)


@pytest.mark.parametrize("naming", ["diffusers", "kohya"])
def test_images_from_the_file_are_the_runs(cli, ran, tmp_path, naming):
    track, out = ran
    file = tmp_path / "lora.safetensors"
    words = [
        "export",
        record_of(out),
        "--task",
        2,
        "--naming",
        naming,
        "--track",
        track,
        "--out",
        file,
        "--results",
        out,
    ]
    code, output, error = cli(*words)
    assert code == 0, error
    assert "rank 4, 0.0000 % of the update's norm lost" in output
    record = read_record(record_of(out))
    key, base = record.kept.images[1][1], record.kept.base_images[1]
    theirs, before = (
        np.stack(
            [np.asarray(i) for i in read_sheet(out / "store" / "images" / k[:2] / k / "images.png", 64)]
        ).astype(int)
        for k in (key, base)
    )
    assert np.abs(theirs - before).max() > 10, "the training is seen"
    assert np.abs(images_with(track, file, record.tasks[1]) - theirs).max() <= 1
    names = list(load_file(file))
    assert all(name.startswith("lora_unet_" if naming == "kohya" else "unet.") for name in names)


def test_adapter_of_a_task_is_exact(cli, ran, tmp_path):
    track, out = ran
    file = tmp_path / "a.safetensors"
    assert (
        cli(
            "export",
            record_of(out),
            "--task",
            1,
            "--what",
            "adapter",
            "--track",
            track,
            "--out",
            file,
            "--results",
            out,
        )[0]
        == 0
    )
    key = read_record(record_of(out)).kept.adapters[0]
    stored = load_file(out / "store" / "adapters" / key[:2] / key / "adapter.safetensors")
    found = load_file(file)
    assert {f"unet.{name}" for name in stored} == set(found)
    assert all(torch.equal(found[f"unet.{name}"], tensor) for name, tensor in stored.items())


def test_lower_rank_tells_what_it_loses(cli, ran, tmp_path):
    track, out = ran
    code, output, _ = cli(
        "export",
        record_of(out),
        "--task",
        2,
        "--rank",
        1,
        "--track",
        track,
        "--out",
        tmp_path / "l.safetensors",
        "--results",
        out,
    )
    assert code == 0 and "rank 1" in output and float(output.split("rank 1, ")[1].split(" ")[0]) > 0.01


def test_low_rank_is_the_best_and_says_its_loss():
    torch.manual_seed(0)
    change = torch.randn(6, 9)
    exported = low_rank({"a": change}, 2)
    left = change - exported.adapter["a"].B @ exported.adapter["a"].A
    assert exported.lost == pytest.approx(float(left.norm() / change.norm()), rel=1e-4)
    assert float(left.norm()) == pytest.approx(float(torch.linalg.svdvals(change)[2:].norm()), rel=1e-4)
    assert low_rank({"a": torch.zeros(3, 3)}, 1).lost == 0 and Memory().update == {}


def test_noise_is_no_rank():
    """A sum of rank 4 is not written at a higher rank, and of layers of several ranks each has the
    highest."""
    torch.manual_seed(0)
    four, two = (torch.randn(320, r) @ torch.randn(r, 640) for r in (4, 2))
    exported = low_rank({"a": four, "b": two}, 64)
    assert {len(factors.A) for factors in exported.adapter.values()} == {4} and exported.lost < 1e-5
    assert torch.allclose(exported.adapter["b"].B @ exported.adapter["b"].A, two, atol=1e-3)
    assert len(low_rank({"a": torch.zeros(3, 3)}, 2).adapter["a"].A) == 1


def test_suites_own_rank_is_the_files(cli, track_values, tmp_path):
    """Two tasks at the suite's rank 4 lose nothing; naive's update of two tasks is of rank 4, and not written
    at 8."""
    track_values["training"] |= {"learning_rate": 0.1}
    track_values["suites"]["colours"]["training"] = {"rank": 4}
    (tmp_path / "track.yaml").write_text(yaml.safe_dump(track_values))
    for method, rank in (("merge_init", 8), ("naive", 4)):
        words = ["--track", tmp_path / "track.yaml", "--results", tmp_path / method]
        assert cli("run", "--method", method, "--suite", "colours", "--limit-tasks", 2, *words)[0] == 0
        code, output, error = cli(
            "export", record_of(tmp_path / method), "--task", 2, "--out", tmp_path / "l.safetensors", *words
        )
        assert code == 0 and f"rank {rank}, 0.0000 %" in output, output + error


def test_a_disk_that_takes_no_more_is_one_line(cli, ran, tmp_path):
    track, out = ran
    words = [
        "export",
        record_of(out),
        "--task",
        2,
        "--track",
        track,
        "--results",
        out,
        "--out",
        tmp_path / "x.safetensors",
    ]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        code, _, error = cli(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert code == 2 and error == f"cbench: {tmp_path / 'x.safetensors'}: File too large\n"
    assert not list(tmp_path.glob("*x.safetensors*"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--task", 0], "--task 0: .* has learned tasks 1 to 2"),
        (["--task", 3], "--task 3: .* has learned tasks 1 to 2"),
        (["--task", 1, "--what", "adapter", "--rank", 3], "--rank: an adapter has its rank"),
        (["--task", 1, "--naming", "comfy"], "comfy"),
    ],
)
def test_bad_input_is_one_line(cli, ran, tmp_path, words, line):
    track, out = ran
    code, _, error = cli(
        "export",
        record_of(out),
        "--track",
        track,
        "--results",
        out,
        "--out",
        tmp_path / "x.safetensors",
        *words,
    )
    assert code == 2 and error.count("\n") == 1 and not (tmp_path / "x.safetensors").exists()
    assert re.search(line, error), error
