"""SDXL and Stable Diffusion 1.5 at full size without a weight: layers, arithmetic, and what a LoRA step keeps
in memory. One command:

pytest -s -m "slow or not slow" tests/benchmarks/test_full_size.py
"""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from diffusers import UNet2DConditionModel
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from torch.utils.flop_counter import FlopCounterMode

from cbench.backbone.backbone import Backbone
from cbench.plan import open_track
from cbench.preflight.flops import KNOWN, flop

shapes = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("shapes.py"))))


class Model(NamedTuple):
    track: str
    parameters: int
    layers: int
    cross: int
    pooled: int | None
    unet: UNet2DConditionModel


@pytest.fixture(scope="module", params=["sdxl", "sd15"])
def model(request):
    """The UNet on the meta device, its adapted layers in LoRA of rank 64 beside them."""
    with torch.device("meta"):
        if request.param == "sdxl":
            return Model("sdxl", 2_567_463_684, 560, 2048, 1280, shapes.make_unet(shapes.FULL))
        sizes = {
            "block_out_channels": (320, 640, 1280, 1280),
            "cross_attention_dim": 768,
            "attention_head_dim": 8,
        }
        return Model("sd15", 859_520_964, 128, 768, None, UNet2DConditionModel(sample_size=64, **sizes))


def told(model, dtype=torch.float32):
    """The UNet's arguments for one latent."""
    side, empty = open_track(model.track).backbone.resolution // 8, {"device": "meta", "dtype": dtype}
    given = {"sample": torch.empty(1, 4, side, side, **empty), "timestep": torch.zeros(1, device="meta")}
    given["encoder_hidden_states"] = torch.empty(1, 77, model.cross, **empty)
    if model.pooled:
        given["added_cond_kwargs"] = {
            "text_embeds": torch.empty(1, model.pooled, **empty),
            "time_ids": torch.empty(1, 6, **empty),
        }
    return given


def adapted(model):
    """The layers that the track adapts, as the backbone finds them."""
    return Backbone.layers(SimpleNamespace(denoiser=model.unet), open_track(model.track).training)


def test_parameters_and_adapted_layers(model):
    layers = adapted(model)
    assert sum(p.numel() for p in model.unet.parameters()) == model.parameters
    assert len(layers) == model.layers
    assert sum(map(sum, layers.values())) == KNOWN[open_track(model.track).backbone.path].per_rank


def flash(query, key, value, *_, **__):
    """Attention as a GPU does it: nothing of size tokens x tokens is kept."""
    return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]


def kept(model, monkeypatch):
    """Bytes of activations that a step in bf16 keeps for its way back; weights do not count."""
    own = {p.untyped_storage()._cdata for p in model.unet.parameters()}
    seen = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            seen[storage._cdata] = tensor, storage.nbytes()  # held, so that its place is not given away
        return tensor

    with (
        monkeypatch.context() as patch,
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
    ):
        patch.setattr(torch.nn.functional, "scaled_dot_product_attention", flash)
        model.unet(**told(model, torch.bfloat16)).sample.sum()
    return sum(size for _, size in seen.values())


@pytest.mark.slow
def test_arithmetic_and_memory_of_a_step(model, monkeypatch):
    track, work = open_track(model.track), KNOWN[open_track(model.track).backbone.path]
    with torch.device("meta"):
        vae, side = shapes.make_vae(shapes.FULL), track.backbone.resolution // 8
        with torch.no_grad(), FlopCounterMode(display=False) as forward:
            model.unet(**told(model))
        with torch.no_grad(), FlopCounterMode(display=False) as decode:
            vae.decode(torch.empty(1, 4, side, side))
        unet = model.unet.requires_grad_(False).train()
        rank = track.training.rank
        unet.add_adapter(
            LoraConfig(
                r=rank, lora_alpha=rank, init_lora_weights=False, target_modules=sorted(adapted(model))
            )
        )
        with FlopCounterMode(display=False) as step:
            unet(**told(model)).sample.sum().backward()
        unet.to(torch.bfloat16)
        with disable_input_dtype_casting(unet):
            whole = kept(model, monkeypatch)
            unet.enable_gradient_checkpointing()
            again = kept(model, monkeypatch)
    found = [counter.get_total_flops() for counter in (forward, step, decode)]
    assert found == [pytest.approx(wanted, rel=1e-3) for wanted in (work.forward, work.step, work.decode)]
    lora = rank * work.per_rank
    fixed = 2 * model.parameters + lora * (
        4 + 4 + 2 + 2
    )  # bf16 weights; fp32 factors and gradients; their copies in bf16; 8-bit AdamW
    step_flop, image_flop = flop(work, track)
    print(
        f"\n{track.name}: forward {found[0] / 1e12:.2f} TFLOP, LoRA step {step_flop / 1e12:.2f}, image "
        f"{image_flop / 1e12:.1f}"
    )
    print(
        f"training: {fixed / 1e9:.1f} GB of weights, {whole / 1e9:.1f} GB of activations ({again / 1e9:.2f} "
        "computed again)"
    )
    assert again < whole / 4 and fixed + whole < 20e9, "a card of 24 GB keeps its activations"
