"""Where weights are looked for, what they are called, and that bf16 loses nothing of an update."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cbench.backbone.load import identity, open_backbone
from cbench.errors import BadInput
from cbench.resources.pipeline_files import digest_pipeline
from cbench.track import BackboneSpec, Training, VaeSpec
from cbench.utils.digest import digest_tensors

NUMBERS = Training(rank=2, steps=1, batch=1, learning_rate=0.1, weight_decay=0.0, max_grad_norm=1.0)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No weights at hand and no cache."""
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path


def cached(home, repo, revision, folder):
    """The folder as a snapshot in the Hugging Face cache."""
    place = home / "cache" / f"models--{repo.replace('/', '--')}"
    shutil.copytree(folder, place / "snapshots" / revision)
    return place / "snapshots" / revision


def test_hub_id_is_found_in_the_cache_at_its_revision(nowhere, sdxl_folder):
    revision = "1" * 40
    spec = BackboneSpec(path="some/model", revision=revision, resolution=64)
    with pytest.raises(
        BadInput, match=r"some/model at revision 111111111111 is not on this machine: run `cbench prepare`"
    ):
        open_backbone(spec, nowhere, "cpu")
    cached(nowhere, "some/model", revision, sdxl_folder)
    assert open_backbone(spec, nowhere, "cpu").layers(NUMBERS)
    moved = spec.model_copy(update={"revision": "2" * 40})
    with pytest.raises(BadInput, match="at revision 222222222222 is not on this machine"):
        open_backbone(moved, nowhere, "cpu")


def test_folder_below_the_weights_home(nowhere, sdxl_folder):
    spec = BackboneSpec(path="some/model", revision="1" * 40, resolution=64)
    shutil.copytree(sdxl_folder, nowhere / "weights" / "some" / "model")
    assert open_backbone(spec, nowhere, "cpu").layers(NUMBERS)


def test_another_autoencoder(nowhere, sdxl_folder):
    shutil.copytree(sdxl_folder / "vae", nowhere / "vae")
    weights = nowhere / "vae" / "diffusion_pytorch_model.safetensors"
    save_file({name: torch.zeros_like(tensor) for name, tensor in load_file(weights).items()}, weights)
    spec = BackboneSpec(path=str(sdxl_folder), resolution=64, vae=VaeSpec(path=str(nowhere / "vae")))
    backbone = open_backbone(spec, nowhere, "cpu")
    assert backbone.vae is backbone.pipeline.vae and not any(p.any() for p in backbone.vae.parameters())
    with pytest.raises(BadInput, match=r"no pipeline in .*nothing \(no config\.json\)"):
        open_backbone(spec.model_copy(update={"vae": VaeSpec(path=str(nowhere / "nothing"))}), nowhere, "cpu")


def test_identity_tells_weights_and_precision_apart(nowhere, sdxl_folder, sd15_folder):
    plain = BackboneSpec(path=str(sdxl_folder), resolution=64)
    specs = [
        plain,
        plain.model_copy(update={"dtype": "bfloat16"}),
        plain.model_copy(update={"dtype": "bfloat16", "resolution": 128}),
        plain.model_copy(update={"vae": VaeSpec(path=str(sdxl_folder / "vae"))}),
        plain.model_copy(update={"path": str(sd15_folder)}),
    ]
    assert len({identity(spec, nowhere) for spec in specs}) == len(specs)


def test_latents_that_were_trained_wrongly_are_not_found_again(nowhere, sdxl_folder):
    model = shutil.copytree(sdxl_folder, nowhere / "model")
    config = model / "vae" / "config.json"
    moments = {"latents_mean": [0.0] * 4, "latents_std": [1.0] * 4}
    config.write_text(json.dumps(json.loads(config.read_text()) | moments))
    assert identity(BackboneSpec(path=str(model), resolution=64), nowhere) != digest_pipeline(model)


@pytest.mark.parametrize("damage", ["cut", "lost", "other"])
def test_damaged_folder_is_one_line(nowhere, sdxl_folder, sd15_folder, damage):
    folder = nowhere / "model"
    shutil.copytree(sdxl_folder, folder)
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "lost":
        weights.unlink()
    else:
        shutil.copy(sd15_folder / "unet" / weights.name, weights)
    with pytest.raises(
        BadInput, match=r"cannot be loaded|no pipeline in .* \(no unet/\*\.safetensors\)"
    ) as error:
        open_backbone(BackboneSpec(path=str(folder), resolution=64), nowhere, "cpu")
    assert "\n" not in str(error.value)


def test_folder_that_is_no_pipeline(nowhere, sdxl_folder):
    with pytest.raises(BadInput, match=r"no pipeline in .* \(no model_index\.json\)"):
        open_backbone(BackboneSpec(path=str(sdxl_folder / "unet"), resolution=64), nowhere, "cpu")


def test_update_smaller_than_bf16_can_tell_is_not_lost(nowhere, sdxl_folder):
    """The sum in fp32, rounded once: over many weights the update is there. Added to rounded weights nearly
    all of it vanishes."""
    backbone = open_backbone(
        BackboneSpec(path=str(sdxl_folder), resolution=64, dtype="bfloat16"), nowhere, "cpu"
    )
    shapes = backbone.layers(NUMBERS)
    assert set(backbone.exact) == set(shapes) and all(
        w.dtype == torch.float32 for w in backbone.exact.values()
    )
    before = {name: backbone.denoiser.get_submodule(name).weight.clone() for name in shapes}
    update = {name: backbone.exact[name].abs() / 2000 for name in shapes}
    with backbone.folded(update):
        moved = sum(
            float((backbone.denoiser.get_submodule(n).weight.float() - before[n].float()).sum())
            for n in shapes
        )
    lost = sum(
        float(((before[n].float() + update[n]).bfloat16().float() - before[n].float()).sum()) for n in shapes
    )
    asked = sum(float(change.sum()) for change in update.values())
    assert moved == pytest.approx(asked, rel=0.15) and abs(lost) < 0.1 * asked
    assert all(torch.equal(backbone.denoiser.get_submodule(n).weight, before[n]) for n in shapes)


def test_weights_that_are_kept_in_fp32_take_no_more_room_while_an_update_is_folded_in(
    nowhere, sdxl_folder, monkeypatch
):
    backbone = open_backbone(
        BackboneSpec(path=str(sdxl_folder), resolution=64, dtype="bfloat16"), nowhere, "cpu"
    )
    update = {name: torch.ones(shape) for name, shape in backbone.layers(NUMBERS).items()}
    before = digest_tensors(dict(backbone.denoiser.state_dict()))
    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "clone", lambda *given: pytest.fail("a copy of a weight"))
        with backbone.folded(update), backbone.folded(update):
            pass
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before


def test_a_fold_that_breaks_off_is_undone(nowhere, sdxl_folder):
    backbone = open_backbone(BackboneSpec(path=str(sdxl_folder), resolution=64), nowhere, "cpu")
    update = {name: torch.ones(shape) for name, shape in backbone.layers(NUMBERS).items()}
    before, last = digest_tensors(dict(backbone.denoiser.state_dict())), list(update)[-1]
    update[last] = update[last].to("meta")  # whose numbers cannot be had
    with pytest.raises(NotImplementedError), backbone.folded(update):
        pass
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before


def test_two_updates_are_not_folded_into_one_another(nowhere, sdxl_folder):
    backbone = open_backbone(BackboneSpec(path=str(sdxl_folder), resolution=64), nowhere, "cpu")
    one, other = (
        {name: torch.ones(shape) for name, shape in backbone.layers(NUMBERS).items()} for _ in range(2)
    )
    before = digest_tensors(dict(backbone.denoiser.state_dict()))
    with pytest.raises(RuntimeError, match="another update"), backbone.folded(one), backbone.folded(other):
        pass
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before
