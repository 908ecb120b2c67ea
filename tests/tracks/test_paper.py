"""The study's tracks: the page's numbers, and the whole protocol on small models of the same classes and the
real photographs."""

import shutil
from types import SimpleNamespace

import pytest
import torch
import yaml
from safetensors.torch import save_file

from cbench.metrics.clip import ClipI
from cbench.metrics.dino import Dino
from cbench.plan import open_track
from cbench.plugins import registry
from cbench.record.files import read_record
from cbench.track import CompanionSpec, Training

SMALL_CLIP = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}


@pytest.mark.parametrize(("name", "side"), [("sdxl", 1024), ("sd15", 512)])
def test_numbers_of_the_study(name, side):
    track = open_track(name)
    assert track.name == name and track.backbone.resolution == side and track.backbone.dtype == "bfloat16"
    assert (
        track.training.rank,
        track.training.steps,
        track.training.batch,
        track.training.learning_rate,
    ) == (64, 850, 1, 1e-5)
    assert (
        track.training.layers == ("to_q", "to_k", "to_v", "to_out.0")
        and track.training.prior is None
        and not track.training.flip
    )
    assert track.training.optimizer == "adamw8bit"
    sampling = track.sampling
    assert (sampling.steps, sampling.guidance, sampling.images_per_prompt, sampling.noise_seed) == (
        50,
        5.0,
        8,
        42,
    )
    assert track.orders == (0, 5, 10, 42) and track.seeds == (0, 5)
    assert set(track.suites["objects"].metrics) == {"clip_i", "dino"} and set(
        track.suites["styles"].metrics
    ) == {"csd", "dino"}


OWN_FIELDS = {
    "sd35m": {"layers", "timesteps", "sizes"},
    "flux2_klein": {"layers", "sizes"},
}
"""The training fields in which a transformer's track differs from `sdxl`."""


@pytest.mark.parametrize(("name", "guidance"), [("sd35m", 4.5), ("flux2_klein", 4.0)])
def test_the_study_is_carried_over_to_transformers(name, guidance):
    track, study = open_track(name), open_track("sdxl")
    ours, theirs = track.training.model_dump(), study.training.model_dump()
    assert {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)} == OWN_FIELDS[
        name
    ]
    assert set(study.training.layers) < set(track.training.layers)
    moved = {"guidance": guidance, "scheduler": "FlowMatchEulerDiscreteScheduler"}
    assert track.sampling == study.sampling.model_copy(update=moved)
    assert (track.suites, track.orders, track.seeds) == (study.suites, study.orders, study.seeds)
    assert track.companions == study.companions and track.backbone.resolution == 1024
    assert len(track.backbone.revision or "") == 40 and track.backbone.dtype == "bfloat16"


STREAMS = (
    "sneaker boot backpack animal candle can glasses bowl cartoon teapot wizard police santa clock mirror "
    "jail style dog cat"
)


@pytest.mark.parametrize("name", ["sdxl", "sd15", "sd35m", "flux2_klein"])
def test_companions_are_of_no_stream_and_no_part_of_the_protocol(name):
    track = open_track(name)
    told = track.companions
    assert (
        isinstance(registry.load("metrics", told.text), type)
        and registry.load("metrics", told.text).weights == ClipI.weights
    )
    assert len(set(told.generic)) == 8 and not {w for p in told.generic for w in p.split()} & set(
        STREAMS.split()
    )
    assert track.model_copy(update={"companions": CompanionSpec()}).digest == track.digest


def test_sdxl_is_pinned_with_its_autoencoder():
    spec = open_track("sdxl").backbone
    assert spec.path == "stabilityai/stable-diffusion-xl-base-1.0" and len(spec.revision or "") == 40
    assert (
        spec.vae and spec.vae.path == "madebyollin/sdxl-vae-fp16-fix" and len(spec.vae.revision or "") == 40
    )


def test_fields_that_came_later_leave_old_digests_alone():
    old = {"rank": 2, "steps": 3, "batch": 1, "learning_rate": 0.1, "weight_decay": 0.0, "max_grad_norm": 1.0}
    assert (
        "optimizer" not in Training(**old).model_dump()
        and Training(**old, optimizer="adamw8bit").model_dump()["optimizer"] == "adamw8bit"
    )


@pytest.fixture
def small_encoders(tmp_path, monkeypatch):
    """CLIP and DINO of the real classes, small, with random weights where the real ones are looked for."""
    open_clip, timm = pytest.importorskip("open_clip"), pytest.importorskip("timm")
    vit = timm.models.vision_transformer.VisionTransformer
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: SMALL_CLIP)
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda *_, **more: vit(patch_size=32, embed_dim=64, depth=2, num_heads=2, **more),
    )
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path / "weights"))
    torch.manual_seed(0)
    for encoder, model in (
        (ClipI, open_clip.CLIP(**SMALL_CLIP)),
        (Dino, timm.create_model("vit_small_patch16_224", num_classes=0)),
    ):
        monkeypatch.setattr(encoder, "weights", encoder.weights._replace(sha256=None))
        path = tmp_path / "weights" / encoder.weights.repo / encoder.weights.name
        path.parent.mkdir(parents=True)
        save_file(model.state_dict(), path)
    return tmp_path / "weights"


FOLDERS = {
    "sdxl": "sdxl_whole_folder",
    "sd15": "sd15_folder",
    "sd35m": "sd3_folder",
    "flux2_klein": "flux2_folder",
}


@pytest.fixture(params=FOLDERS)
def study(request, small_encoders, photographs, tmp_path, monkeypatch):
    """A track of the study with small weights at its own hub id, fewer steps, smaller images; all else as it
    is."""
    monkeypatch.setenv("CBENCH_DATA", str(photographs))
    track = open_track(request.param)
    folder = request.getfixturevalue(FOLDERS[request.param])
    shutil.copytree(folder, small_encoders / track.backbone.path)
    if track.backbone.vae:
        shutil.copytree(folder / "vae", small_encoders / track.backbone.vae.path)
    values = track.model_dump(mode="json")
    values["backbone"]["resolution"] = 64
    values["training"] |= {"steps": 3, "rank": 4}
    values["sampling"] |= {"steps": 3, "images_per_prompt": 2}
    path = tmp_path / f"{request.param}.yaml"
    path.write_text(yaml.safe_dump(values))
    return SimpleNamespace(file=path, out=tmp_path / "out")


def test_whole_protocol_on_the_photographs(cli, study):
    words = ["run", "--suite", "objects", "--track", study.file, "--results", study.out, "--limit-tasks", 2]
    for method in ("merge_init", "magmax"):
        code, _, error = cli(*words, "--method", method)
        assert code == 0, error
    one, two = (read_record(path) for path in sorted((study.out / "records").iterdir()))
    assert one.tasks[:2] == ("berry_bowl", "red_cartoon") and one.learned == 2
    assert set(one.scores) == {"clip_i", "dino"} and one.provenance.precision == "bfloat16"
    assert one.kept.adapters[0] == two.kept.adapters[0], "the first task's training is shared"
    assert one.kept.images[0][0] != one.kept.base_images[0], "training shows in the images, in bf16 too"
    assert all(-1 <= value <= 1 for scores in one.scores.values() for row in scores.rows for value in row)


def test_companions_of_a_run(cli, study):
    """Prompt alignment by CLIP-T and drift, on images that the run left."""
    words = ["--suite", "objects", "--track", study.file, "--results", study.out]
    assert cli("run", *words, "--method", "merge_init", "--limit-tasks", 1)[0] == 0
    code, _, error = cli("diagnose", *words)
    assert code == 0, error
    found = read_record(next((study.out / "records").iterdir())).companions
    assert len(found.alignment) == len(found.alignment_base) == 1 and -1 <= found.alignment[0] <= 1
    assert set(found.metrics) == {"clip_i", "dino"} and found.metrics["dino"].base_similarity is not None
