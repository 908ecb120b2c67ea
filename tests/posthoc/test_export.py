"""Every kind of layer that a track can adapt arrives where it was trained when diffusers reads the file."""

import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import logging
from safetensors.torch import load_file

from cbench.errors import BadInput
from cbench.posthoc.export import Exported, write
from cbench.posthoc.lora_names import Base, named, read_back
from cbench.update import Factors

KINDS = [
    *("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
    *("time_emb_proj", "time_embedding.linear_1", "time_embedding.linear_2"),
    *("add_embedding.linear_1", "add_embedding.linear_2"),
]
UNET = Base("StableDiffusionXLPipeline")
PIPELINES = {"sdxl": StableDiffusionXLPipeline, "sd15": StableDiffusionPipeline}


@pytest.fixture(params=PIPELINES)
def pipeline(request, sdxl_folder, sd15_folder):
    """With linear projections, as SDXL has them, beside the tiny UNet's other kinds of layers."""
    from diffusers import UNet2DConditionModel

    folder = sdxl_folder if request.param == "sdxl" else sd15_folder
    loaded = PIPELINES[request.param].from_pretrained(folder)
    torch.manual_seed(0)
    loaded.unet = UNet2DConditionModel.from_config(dict(loaded.unet.config) | {"use_linear_projection": True})
    return loaded


def linear_layers(unet):
    return {name: m for name, m in unet.named_modules() if isinstance(m, torch.nn.Linear)}


@pytest.mark.parametrize("naming", ["diffusers", "kohya"])
@pytest.mark.parametrize("kind", [*KINDS, ""])
def test_the_loaded_model_is_the_base_and_the_update(pipeline, tmp_path, naming, kind):
    """For each kind of layer alone, and for all Linear layers at once."""
    logging.set_verbosity_error()
    layers = {name: m for name, m in linear_layers(pipeline.unet).items() if name.endswith(kind)}
    if not layers:
        assert kind.startswith("add_embedding") and isinstance(pipeline, StableDiffusionPipeline)
        return
    adapter = {
        name: Factors(A=torch.randn(2, m.in_features), B=torch.randn(m.out_features, 2))
        for name, m in layers.items()
    }
    wanted = {name: m.weight.detach() + adapter[name].B @ adapter[name].A for name, m in layers.items()}
    others = {n: p.detach().clone() for n, p in pipeline.unet.named_parameters()}
    write(Exported(adapter, 0.0), tmp_path / "lora.safetensors", naming, UNET)
    pipeline.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    pipeline.fuse_lora()
    pipeline.unload_lora_weights()
    for name, parameter in pipeline.unet.named_parameters():
        layer = name.removesuffix(".weight")
        assert torch.allclose(parameter, wanted.get(layer, others[name]), atol=1e-5), name


def test_every_kind_of_linear_layer_is_tried(pipeline):
    left = [name for name in linear_layers(pipeline.unet) if not name.endswith(tuple(KINDS))]
    assert not left


def test_alphas_are_floating_point(tmp_path):
    adapter = {"mid_block.attentions.0.proj_in": Factors(A=torch.ones(3, 4), B=torch.ones(5, 3))}
    write(Exported(adapter, 0.0), tmp_path / "lora.safetensors", "kohya", UNET)
    alphas = {name: t for name, t in load_file(tmp_path / "lora.safetensors").items() if "alpha" in name}
    assert list(alphas) == ["lora_unet_mid_block_attentions_0_proj_in.alpha"]
    assert all(t.dtype == torch.float32 and float(t) == 3 for t in alphas.values())


@pytest.mark.parametrize("layer", ["class_embedding.linear_1", "encoder_hid_proj.image_embeds", "a_b.c_d"])
def test_a_layer_that_would_be_lost_is_refused_by_name(layer):
    adapter = {layer: Factors(A=torch.ones(2, 4), B=torch.ones(4, 2))}
    with pytest.raises(BadInput, match=f"would drop it.*--naming diffusers|{layer}"):
        named(adapter, "kohya", UNET)
    assert set(named(adapter, "diffusers", UNET)) == {f"unet.{layer}.lora_{part}.weight" for part in "AB"}


def test_public_names():
    """As kohya's own files of SDXL have them."""
    adapter = {
        name: Factors(A=torch.ones(2, 4), B=torch.ones(4, 2))
        for name in ("add_embedding.linear_1", "add_embedding.linear_2", "time_embedding.linear_1")
    }
    names = {name.partition(".")[0] for name in named(adapter, "kohya", UNET)}
    assert names == {"lora_unet_label_emb_0_0", "lora_unet_label_emb_0_2", "lora_unet_time_embed_0"}
    assert read_back({"lora_unet_x.lora_down.weight": torch.ones(1)}) is None
