"""The identity of a pipeline is that of the files it is loaded from, wherever they lie, and of no others."""

import json
import shutil

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from cbench.backbone.load import identity, open_backbone
from cbench.resources.pipeline_files import digest_pipeline, own_files, weight_files
from cbench.track import BackboneSpec, VaeSpec
from cbench.tracks import mini
from cbench.utils.digest import digest_file, digest_json
from cbench.utils.files import ASSETS

UNET = "unet/diffusion_pytorch_model.safetensors"
STRAY = [
    "README.md",
    ".DS_Store",
    ".git/HEAD",
    ".cache/huggingface/download/unet/config.json.metadata",
    "sd_xl_base_1.0.safetensors",
    "unet/.DS_Store",
    "unet/README.md",
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "unet/diffusion_pytorch_model.bin",
    "unet/model.onnx",
    "text_encoder_2/model.fp16.safetensors",
    "text_encoder_2/flax_model.msgpack",
    "safety_checker/model.safetensors",
    "notes/config.json",
]


@pytest.fixture
def model(tmp_path, sdxl_folder):
    return shutil.copytree(sdxl_folder, tmp_path / "model")


def spec(folder, **more):
    return BackboneSpec(path=str(folder), resolution=64, **more)


def change(path):
    """Other weights of the same names and shapes."""
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)


def test_the_committed_weights_keep_their_digest(model):
    assert digest_pipeline(ASSETS / "mini/pipeline") == mini().backbone.digest
    assert mini().backbone.digest == "22e8453b2f41141c0c65c78568febc30"
    everything = sorted(path for path in model.rglob("*") if path.is_file())
    assert own_files(model) == everything
    whole = [(path.relative_to(model).as_posix(), digest_file(path)) for path in everything]
    assert identity(spec(model), model) == digest_json(whole)


def test_other_files_are_no_part(model):
    before = identity(spec(model), model)
    for name in STRAY:
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(b"other")
        assert identity(spec(model), model) == before, name
    assert open_backbone(spec(model, digest=before), model, "cpu").denoiser


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder_2", "tokenizer_2", "scheduler"])
def test_a_component_behind_a_link_counts(model, tmp_path, part):
    before = identity(spec(model), model)
    moved = tmp_path / "elsewhere"
    shutil.move(model / part, moved)
    (model / part).symlink_to(moved)
    assert identity(spec(model), model) == before
    changed = next(iter(moved.glob("*.safetensors")), None) or next(moved.glob("*config.json"))
    if changed.suffix == ".safetensors":
        change(changed)
    else:
        changed.write_text(json.dumps(json.loads(changed.read_text()) | {"more": 1}))
    assert identity(spec(model), model) != before


def test_every_loaded_file_counts(model):
    before = identity(spec(model), model)
    for path in own_files(model):
        data = path.read_bytes()
        path.write_bytes(data + b" ")
        assert identity(spec(model), model) != before, path
        path.write_bytes(data)


def test_shards_count(model):
    unet = UNet2DConditionModel.from_pretrained(model / "unet")
    (model / UNET).unlink()
    unet.save_pretrained(model / "unet", max_shard_size="20KB")
    shards = weight_files(model / "unet")
    assert len(shards) > 2 and all(path.is_file() for path in shards)
    before = identity(spec(model), model)
    backbone = open_backbone(spec(model, digest=before), model, "cpu")
    assert all(
        torch.equal(a, b) for a, b in zip(backbone.denoiser.parameters(), unet.parameters(), strict=True)
    )
    change(shards[-1])
    assert identity(spec(model), model) != before


def test_an_autoencoder_in_its_own_folder(model, tmp_path):
    vae = shutil.copytree(model / "vae", tmp_path / "vae")
    other = spec(model, vae=VaeSpec(path=str(vae)))
    before = identity(other, model)
    (vae / "README.md").write_text("words")
    shutil.rmtree(model / "vae")  # it is not loaded
    assert identity(other, model) == before
    change(vae / "diffusion_pytorch_model.safetensors")
    assert identity(other, model) != before


@pytest.mark.parametrize("half", [("unet",), ("unet", "vae", "text_encoder_2")])
def test_weights_in_half_precision_alone_are_loaded(model, tmp_path, sdxl_folder, half):
    whole = open_backbone(spec(sdxl_folder), model, "cpu")
    for name in half:
        (path,) = weight_files(model / name)
        save_file(
            {key: tensor.half() for key, tensor in load_file(path).items()},
            path.with_name(f"{path.stem}.fp16.safetensors"),
            {"format": "pt"},
        )
        path.unlink()
    (model / "unet" / "LICENSE").write_text("words")
    backbone = open_backbone(spec(model), model, "cpu")
    for one, two in zip(backbone.parts, whole.parts, strict=True):
        assert {p.dtype for p in one.parameters()} == {torch.float32}
        pairs = zip(one.parameters(), two.parameters(), strict=True)
        assert all(torch.equal(a, b) or torch.equal(a, b.half().float()) for a, b in pairs)
    before = identity(spec(model), model)
    change(next((model / half[-1]).glob("*.fp16.safetensors")))
    assert identity(spec(model), model) != before


@pytest.mark.parametrize("index", ["{", "[]", '{"unet": 3, "/etc": ["a", "b"], "x": [1, 2]}'])
def test_a_broken_index_has_an_identity(model, index):
    (model / "model_index.json").write_text(index)
    assert identity(spec(model), model)
    (model / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "/x"}}'
    )
    assert weight_files(model / "unet")
