"""The backbones of the built-in tracks at full size without a weight: layers, arithmetic, and what a LoRA
step keeps in memory. One command:

pytest -s -m "slow or not slow" tests/benchmarks/test_full_size.py
"""

import runpy
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    Flux2Transformer2DModel,
    SD3Transformer2DModel,
    UNet2DConditionModel,
)
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from torch.utils.flop_counter import FlopCounterMode

from cbench.backbone.backbone import Backbone
from cbench.backbone.flux2 import split
from cbench.plan import open_track
from cbench.preflight.flops import KNOWN, flop, min_gpu_memory
from cbench.stages.measure import InputMoments

shapes = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("shapes.py"))))


class Model(NamedTuple):
    track: str
    parameters: int
    layers: int
    denoiser: torch.nn.Module
    vae: torch.nn.Module
    arguments: dict[str, tuple[int, ...]]
    """The shapes of the denoiser's arguments for one latent."""
    latent: tuple[int, ...]
    """The shape that the autoencoder decodes."""

    def given(self, dtype=torch.float32):
        """The denoiser's arguments for one latent."""
        empty = {"device": "meta", "dtype": dtype}
        tensors = {name: torch.empty(shape, **empty) for name, shape in self.arguments.items()}
        if "text_embeds" in tensors:
            tensors["added_cond_kwargs"] = {n: tensors.pop(n) for n in ("text_embeds", "time_ids")}
        return tensors


def unet_model(track, parameters, layers, unet, words, pooled):
    side = open_track(track).backbone.resolution // 8
    more = {"text_embeds": (1, pooled), "time_ids": (1, 6)} if pooled else {}
    shape = {"sample": (1, 4, side, side), "timestep": (1,), "encoder_hidden_states": (1, 77, words)}
    return Model(track, parameters, layers, unet, shapes.make_vae(shapes.FULL), shape | more, shape["sample"])


def sdxl():
    return unet_model("sdxl", 2_567_463_684, 560, shapes.make_unet(shapes.FULL), 2048, 1280)


def sd15():
    sizes = {"block_out_channels": (320, 640, 1280, 1280), "cross_attention_dim": 768}
    unet = UNet2DConditionModel(sample_size=64, attention_head_dim=8, **sizes)
    return unet_model("sd15", 859_520_964, 128, unet, 768, None)


VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}


def sd35m():
    """As published: 24 blocks, the first 13 with a second attention; 77 tokens of CLIP and 256 of T5."""
    transformer = SD3Transformer2DModel(
        **{"num_layers": 24, "num_attention_heads": 24, "attention_head_dim": 64, "sample_size": 128},
        **{"in_channels": 16, "out_channels": 16, "patch_size": 2, "pos_embed_max_size": 384},
        **{"joint_attention_dim": 4096, "pooled_projection_dim": 2048, "caption_projection_dim": 1536},
        **{"dual_attention_layers": tuple(range(13)), "qk_norm": "rms_norm"},
    )
    words = {"encoder_hidden_states": (1, 333, 4096), "pooled_projections": (1, 2048), "timestep": (1,)}
    vae, latent = AutoencoderKL(latent_channels=16, **VAE), (1, 16, 128, 128)
    return Model("sd35m", 2_243_171_520, 243, transformer, vae, {"hidden_states": latent} | words, latent)


def flux2_klein():
    """As published: 5 double and 20 single blocks; 64 x 64 patches and 512 tokens."""
    transformer = Flux2Transformer2DModel(
        **{"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "attention_head_dim": 128},
        **{"in_channels": 128, "joint_attention_dim": 7680, "guidance_embeds": False},
    )
    split(transformer)
    shape = {"hidden_states": (1, 4096, 128), "encoder_hidden_states": (1, 512, 7680), "timestep": (1,)}
    shape |= {"img_ids": (1, 4096, 4), "txt_ids": (1, 512, 4)}
    vae = AutoencoderKLFlux2(**VAE)
    return Model("flux2_klein", 3_875_544_576, 120, transformer, vae, shape, (1, 32, 128, 128))


@pytest.fixture(scope="module", params=[sdxl, sd15, sd35m, flux2_klein])
def model(request):
    """The denoiser on the meta device, its adapted layers in LoRA of rank 64 beside them."""
    with torch.device("meta"):
        return request.param()


def adapted(model):
    """The layers that the track adapts, as the backbone finds them."""
    return Backbone.layers(SimpleNamespace(denoiser=model.denoiser), open_track(model.track).training)


def test_parameters_and_adapted_layers(model):
    layers = adapted(model)
    assert sum(p.numel() for p in model.denoiser.parameters()) == model.parameters
    assert len(layers) == model.layers
    assert sum(map(sum, layers.values())) == KNOWN[open_track(model.track).backbone.path].per_rank


def test_numbers_of_a_measurement_of_the_inputs(model, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # there is none on meta
    moments = InputMoments()
    for name in adapted(model):
        model.denoiser.get_submodule(name).register_forward_pre_hook(partial(moments.see, name))
    with torch.no_grad():
        model.denoiser(**model.given())
    numbers = sum(total.numel() for total in moments.sums.values())
    assert numbers == KNOWN[open_track(model.track).backbone.path].moments


def flash(query, key, value, *_, **__):
    """Attention as a GPU does it: nothing of size tokens x tokens is kept."""
    return torch.ops.aten._scaled_dot_product_flash_attention(query, key, value)[0]


def kept(model, monkeypatch):
    """Bytes of activations that a step in bf16 keeps for its way back; weights do not count."""
    own = {p.untyped_storage()._cdata for p in model.denoiser.parameters()}
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
        model.denoiser(**model.given(torch.bfloat16)).sample.sum()
    return sum(size for _, size in seen.values())


@pytest.mark.slow
def test_arithmetic_and_memory_of_a_step(model, monkeypatch):
    track, work = open_track(model.track), KNOWN[open_track(model.track).backbone.path]
    with torch.device("meta"):
        with torch.no_grad(), FlopCounterMode(display=False) as forward:
            model.denoiser(**model.given())
        with torch.no_grad(), FlopCounterMode(display=False) as decode:
            model.vae.decode(torch.empty(model.latent))
        net = model.denoiser.requires_grad_(False).train()
        rank = track.training.rank
        net.add_adapter(
            LoraConfig(
                r=rank, lora_alpha=rank, init_lora_weights=False, target_modules=sorted(adapted(model))
            )
        )
        with FlopCounterMode(display=False) as step:
            net(**model.given()).sample.sum().backward()
        net.to(torch.bfloat16)
        with disable_input_dtype_casting(net):
            whole = kept(model, monkeypatch)
            net.enable_gradient_checkpointing()
            again = kept(model, monkeypatch)
    found = [counter.get_total_flops() for counter in (forward, step, decode)]
    assert found == [pytest.approx(wanted, rel=1e-3) for wanted in (work.forward, work.step, work.decode)]
    fixed = min_gpu_memory(work, track)
    step_flop, image_flop = flop(work, track)
    print(
        f"\n{track.name}: forward {found[0] / 1e12:.2f} TFLOP, LoRA step {step_flop / 1e12:.2f}, image "
        f"{image_flop / 1e12:.1f}"
    )
    print(
        f"training: {fixed / 1e9:.1f} GB of weights, {whole / 1e9:.1f} GB of activations ({again / 1e9:.2f} "
        "computed again)"
    )
    assert again < whole / 4 and fixed + again < 20e9, "a card of 24 GB trains it"
    keeps = track.name != "flux2_klein"
    assert (fixed + whole < 20e9) == keeps, "a card of 24 GB keeps its activations, but for FLUX.2-klein's"
