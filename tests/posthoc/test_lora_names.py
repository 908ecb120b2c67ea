"""A LoRA file of a transformer arrives, layer by layer, where it was trained when its pipeline reads it."""

import pytest
import torch
from diffusers import DiffusionPipeline
from diffusers.loaders.lora_pipeline import FluxLoraLoaderMixin
from diffusers.utils import logging
from hypothesis import given
from hypothesis import strategies as st

from cbench.backbone.families import open_family
from cbench.errors import BadInput
from cbench.posthoc.export import Exported, write
from cbench.posthoc.lora_names import Base, base, named, side_by_side
from cbench.update import Factors

ATTENTION = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
MORE = {
    "sd3_folder": ("ff.net.0.proj", "ff.net.2", "norm1.linear", "proj_out", "context_embedder"),
    "flux_folder": ("ff.net.0.proj", "ff_context.net.2", "norm1.linear", "proj_mlp", "proj_out"),
    "flux2_folder": ("ff.linear_in", "ff_context.linear_out", "to_mlp", "attn.to_out"),
}


def opened(folder):
    """A pipeline, and the same as the family that trains it."""
    logging.set_verbosity_error()
    stock = DiffusionPipeline.from_pretrained(folder)
    family = open_family(DiffusionPipeline.from_pretrained(folder), 64)
    return stock, family, base(type(stock).__name__, stock.transformer.config)


def random_adapter(denoiser, ends, rank=2):
    torch.manual_seed(0)
    return {
        name: Factors(A=torch.randn(rank, m.in_features), B=torch.randn(m.out_features, rank))
        for name, m in denoiser.named_modules()
        if isinstance(m, torch.nn.Linear) and name.endswith(ends)
    }


def check_round_trip(folder, naming, ends, where, left_out=()):
    stock, family, target = opened(folder)
    adapter = random_adapter(family.denoiser, ends)
    adapter = {name: factors for name, factors in adapter.items() if not name.startswith(left_out)}
    write(Exported(adapter, 0.0), where / "lora.safetensors", naming, target)
    stock.load_lora_weights(where, weight_name="lora.safetensors")
    stock.fuse_lora()
    stock.unload_lora_weights()
    with torch.no_grad():
        for name, (A, B) in adapter.items():
            family.denoiser.get_submodule(name).weight += B @ A
    x = {name: p for name, p in stock.transformer.named_parameters()}
    for name, parameter in family.denoiser.named_parameters():
        fused = name.partition(".to_qkv_mlp_proj.")[0] + ".to_qkv_mlp_proj.weight"
        if fused not in x or "to_qkv_mlp_proj" not in name:
            assert torch.allclose(parameter, x[name], atol=1e-5), name
    for name, module in family.denoiser.named_modules():
        if name.endswith("to_qkv_mlp_proj"):
            together = torch.cat([part.weight for part in module.children()])
            assert torch.allclose(together, x[f"{name}.weight"], atol=1e-5), name


@pytest.mark.parametrize("folder", MORE)
@pytest.mark.parametrize("ends", ["attention", "all"])
def test_diffusers_reads_its_own_names(request, folder, ends, tmp_path):
    kinds = ATTENTION + (MORE[folder] if ends == "all" else ())
    check_round_trip(request.getfixturevalue(folder), "diffusers", kinds, tmp_path)


def test_diffusers_reads_kohyas_names_of_flux2(flux2_folder, tmp_path):
    check_round_trip(flux2_folder, "kohya", ATTENTION + MORE["flux2_folder"], tmp_path)


def test_diffusers_reads_kohyas_names_of_flux(flux_folder, tmp_path):
    """But for the small single blocks: diffusers reads those of FLUX.1's own width alone."""
    ends = (*ATTENTION, "ff.net.0.proj", "ff_context.net.2", "norm1.linear")
    check_round_trip(flux_folder, "kohya", ends, tmp_path, "single_transformer_blocks")


@pytest.mark.parametrize("parts", [("attn.to_q",), ("attn.to_k", "proj_mlp"), ("attn.to_v", "proj_out")])
def test_single_blocks_of_flux_at_their_own_width(parts):
    width = {"attn.to_q": 3072, "attn.to_k": 3072, "attn.to_v": 3072, "proj_mlp": 12288, "proj_out": 3072}
    adapter = {
        f"single_transformer_blocks.37.{part}": Factors(torch.randn(2, 3072), torch.randn(width[part], 2))
        for part in parts
    }
    read = FluxLoraLoaderMixin.lora_state_dict(named(adapter, "kohya", Base("FluxPipeline", 3072, 12288)))
    for name, (A, B) in adapter.items():
        assert torch.equal(read[f"transformer.{name}.lora_A.weight"], A)
        assert torch.equal(read[f"transformer.{name}.lora_B.weight"], B)
    others = [key for key in read if key.split(".lora_")[0].removeprefix("transformer.") not in adapter]
    assert not any(read[key].any() for key in others if "lora_B" in key)


def test_what_no_program_would_read_is_refused():
    adapter = {"transformer_blocks.0.attn.to_q": Factors(torch.ones(2, 4), torch.ones(4, 2))}
    with pytest.raises(BadInput, match=r"no such names for a StableDiffusion3Pipeline.*--naming diffusers"):
        named(adapter, "kohya", Base("StableDiffusion3Pipeline"))
    lost = {"x_embedder": Factors(torch.ones(2, 4), torch.ones(4, 2))}
    with pytest.raises(BadInput, match="layer x_embedder and would drop it"):
        named(lost, "kohya", Base("FluxPipeline", 4, 16))


@given(rows=st.lists(st.integers(1, 4), min_size=1, max_size=4), rank=st.integers(1, 3), data=st.data())
def test_parts_side_by_side_are_their_updates_one_above_the_other(rows, rank, data):
    places = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    ranks = {place: data.draw(st.integers(1, rank)) for place in places}
    parts = {p: Factors(torch.randn(r, 3), torch.randn(rows[p], r)) for p, r in ranks.items()}
    fused = side_by_side(parts, rows)
    wanted = [parts[p].B @ parts[p].A if p in parts else torch.zeros(n, 3) for p, n in enumerate(rows)]
    assert torch.allclose(fused.B @ fused.A, torch.cat(wanted), atol=1e-5)
