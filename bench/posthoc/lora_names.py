"""The names of the tensors in a LoRA file: those that a pipeline of diffusers reads, or kohya's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from diffusers.loaders.lora_pipeline import StableDiffusionLoraLoaderMixin
from diffusers.utils.state_dict_utils import convert_unet_state_dict_to_peft
from torch import Tensor

from cbench.errors import BadInput
from cbench.resources.families import LAYOUTS
from cbench.resources.locate import locate
from cbench.resources.pipeline_files import INDEX, read_json
from cbench.track import BackboneSpec
from cbench.update import Adapter, Factors, flat
from cbench.utils.files import ASSETS


class Base(NamedTuple):
    """The pipeline that a LoRA file is for."""

    pipeline: str
    """Its class."""
    width: int = 0
    """Width of the transformer, if it is one."""
    mlp: int = 0
    """Rows that a single-stream block's fused projection has for the MLP (FLUX.1, FLUX.2)."""

    @property
    def denoiser(self) -> str:
        """The component that the file adapts."""
        return LAYOUTS[self.pipeline].denoiser


def base_of(spec: BackboneSpec) -> Base:
    """The pipeline of a track. Raises BadInput if it is not on this machine, or of no known class."""
    folder = locate(spec, ASSETS)
    kind = str(read_json(folder / INDEX).get("_class_name"))
    if kind not in LAYOUTS:
        raise BadInput(f"the pipeline in {folder} is a {kind}; known: {', '.join(LAYOUTS)}")
    return base(kind, read_json(folder / LAYOUTS[kind].denoiser / "config.json"))


def base(pipeline: str, config: Mapping[str, Any]) -> Base:
    """A pipeline of this class, whose denoiser has this configuration."""
    if pipeline not in ("FluxPipeline", "Flux2KleinPipeline"):
        return Base(pipeline)
    width = config["num_attention_heads"] * config["attention_head_dim"]
    if pipeline == "FluxPipeline":
        return Base(pipeline, width, 4 * width)
    return Base(pipeline, width, 2 * int(width * config["mlp_ratio"]))  # a gate and a value each


def named(adapter: Adapter, naming: str, base: Base) -> dict[str, Tensor]:
    """The tensors of a LoRA file: `unet.<layer>.lora_A.weight` or `transformer.<layer>.lora_A.weight` as
    diffusers reads it, or kohya's names; scale 1 (alpha = rank)."""
    if naming == "kohya":
        tensors = _kohya(adapter, base)
    else:
        tensors = {f"{base.denoiser}.{name}": t for name, t in flat(_fused(adapter, base)).items()}
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _kohya(adapter: Adapter, base: Base) -> dict[str, Tensor]:
    """Kohya's names. Raises BadInput for layers that diffusers would not find under any such name."""
    if base.denoiser == "unet":
        return {key: t for name, factors in adapter.items() for key, t in _in_kohya(name, factors).items()}
    table = KOHYA.get(base.pipeline)
    if table is None:
        raise BadInput(
            f"--naming kohya: diffusers reads no such names for a {base.pipeline}; export with --naming "
            "diffusers"
        )
    groups: dict[str, dict[int, Factors]] = {}
    for layer, factors in adapter.items():
        name, place = _place(layer, table)
        groups.setdefault(name, {})[place] = factors
    tensors: dict[str, Tensor] = {}
    for name, parts in groups.items():
        rows = _rows(name, base)
        tensors |= _with_alpha(name, side_by_side(parts, rows) if rows else parts[0])
    return tensors


def side_by_side(parts: Mapping[int, Factors], rows: Sequence[int]) -> Factors:
    """The factors of a fused layer, from those of its parts of these rows: as many ranks for each part, and
    zeros for parts without factors. The update is the parts' updates one above the other."""
    rank, inputs = max(len(factors.A) for factors in parts.values()), next(iter(parts.values())).A.shape[1]
    A, B = torch.zeros(len(rows) * rank, inputs), torch.zeros(sum(rows), len(rows) * rank)
    for place, factors in parts.items():
        ranks, first = slice(place * rank, place * rank + len(factors.A)), sum(rows[:place])
        A[ranks], B[first : first + rows[place], ranks] = factors.A, factors.B
    return Factors(A, B)


FUSED = re.compile(r"(.*\.to_qkv_mlp_proj)\.(to_q|to_k|to_v|to_mlp)")
PARTS = ("to_q", "to_k", "to_v", "to_mlp")


def _fused(adapter: Adapter, base: Base) -> Adapter:
    """The adapter with the parts of FLUX.2's fused projections put together, and then one rank for all
    layers: not every program scales layers of several ranks as diffusers does now."""
    fused: dict[str, dict[int, Factors]] = {}
    whole = dict[str, Factors]()
    for layer, factors in adapter.items():
        if match := FUSED.fullmatch(layer):
            fused.setdefault(match[1], {})[PARTS.index(match[2])] = factors
        else:
            whole[layer] = factors
    if not fused:
        return whole
    rows = [base.width] * 3 + [base.mlp]
    whole |= {layer: side_by_side(parts, rows) for layer, parts in fused.items()}
    rank = max(len(factors.A) for factors in whole.values())
    return {layer: _padded(factors, rank - len(factors.A)) for layer, factors in whole.items()}


def _padded(factors: Factors, ranks: int) -> Factors:
    """The same update with more ranks, which are zero."""
    pad = torch.nn.functional.pad
    return Factors(pad(factors.A, (0, 0, 0, ranks)), pad(factors.B, (0, ranks)))


BLOCKS = {
    r"transformer_blocks\.(\d+)\.attn\.to_([qkv])": "double_blocks_{}_img_attn_qkv",
    r"transformer_blocks\.(\d+)\.attn\.add_([qkv])_proj": "double_blocks_{}_txt_attn_qkv",
    r"transformer_blocks\.(\d+)\.attn\.to_out\.0": "double_blocks_{}_img_attn_proj",
    r"transformer_blocks\.(\d+)\.attn\.to_add_out": "double_blocks_{}_txt_attn_proj",
}
KOHYA = {
    "FluxPipeline": BLOCKS
    | {
        r"transformer_blocks\.(\d+)\.ff\.net\.0\.proj": "double_blocks_{}_img_mlp_0",
        r"transformer_blocks\.(\d+)\.ff\.net\.2": "double_blocks_{}_img_mlp_2",
        r"transformer_blocks\.(\d+)\.ff_context\.net\.0\.proj": "double_blocks_{}_txt_mlp_0",
        r"transformer_blocks\.(\d+)\.ff_context\.net\.2": "double_blocks_{}_txt_mlp_2",
        r"transformer_blocks\.(\d+)\.norm1\.linear": "double_blocks_{}_img_mod_lin",
        r"transformer_blocks\.(\d+)\.norm1_context\.linear": "double_blocks_{}_txt_mod_lin",
        r"single_transformer_blocks\.(\d+)\.attn\.to_([qkv])": "single_blocks_{}_linear1",
        r"single_transformer_blocks\.(\d+)\.proj_(m)lp": "single_blocks_{}_linear1",
        r"single_transformer_blocks\.(\d+)\.proj_out": "single_blocks_{}_linear2",
        r"single_transformer_blocks\.(\d+)\.norm\.linear": "single_blocks_{}_modulation_lin",
    },
    "Flux2KleinPipeline": BLOCKS
    | {
        r"transformer_blocks\.(\d+)\.ff\.linear_in": "double_blocks_{}_img_mlp_0",
        r"transformer_blocks\.(\d+)\.ff\.linear_out": "double_blocks_{}_img_mlp_2",
        r"transformer_blocks\.(\d+)\.ff_context\.linear_in": "double_blocks_{}_txt_mlp_0",
        r"transformer_blocks\.(\d+)\.ff_context\.linear_out": "double_blocks_{}_txt_mlp_2",
        r"single_transformer_blocks\.(\d+)\.attn\.to_qkv_mlp_proj\.to_([qkvm])(?:lp)?": (
            "single_blocks_{}_linear1"
        ),
        r"single_transformer_blocks\.(\d+)\.attn\.to_out": "single_blocks_{}_linear2",
    },
}
"""Class of a pipeline -> a layer's name in diffusers -> kohya's, which fuses what diffusers names apart."""


def _place(layer: str, table: Mapping[str, str]) -> tuple[str, int]:
    """Kohya's name of a layer, and its place among the parts of that name."""
    for pattern, name in table.items():
        if match := re.fullmatch(pattern, layer):
            return name.format(match[1]), "qkvm".index(match[2]) if len(match.groups()) > 1 else 0
    raise _lost(layer)


def _rows(name: str, base: Base) -> list[int]:
    """The rows of the parts of a fused layer of kohya's; empty if it is one layer in diffusers too."""
    if name.endswith("_attn_qkv"):
        return [base.width] * 3
    return [base.width] * 3 + [base.mlp] if name.endswith("_linear1") else []


def _with_alpha(name: str, factors: Factors) -> dict[str, Tensor]:
    """A layer's tensors under kohya's name."""
    return {
        f"lora_unet_{name}.lora_down.weight": factors.A,
        f"lora_unet_{name}.lora_up.weight": factors.B,
        f"lora_unet_{name}.alpha": torch.tensor(float(len(factors.A))),
    }


def _lost(layer: str) -> BadInput:
    return BadInput(
        f"--naming kohya: diffusers reads no such name for the layer {layer} and would drop it; export with "
        "--naming diffusers"
    )


PUBLIC = {
    "add_embedding.linear_1": "label_emb_0_0",
    "add_embedding.linear_2": "label_emb_0_2",
    "time_embedding.linear_1": "time_embed_0",
    "time_embedding.linear_2": "time_embed_2",
}
"""Layers outside the UNet's blocks, which kohya's files name as the first Stable Diffusion did; all others
keep the names of diffusers."""


def _in_kohya(layer: str, factors: Factors) -> dict[str, Tensor]:
    """The tensors of a UNet's layer in kohya's naming."""
    for name in (PUBLIC.get(layer), layer.replace(".", "_")):
        if name and read_back(tensors := _with_alpha(name, factors)) == layer:
            return tensors
    raise _lost(layer)


def read_back(tensors: Mapping[str, Tensor]) -> str | None:
    """The UNet's layer that diffusers' loader takes the tensors of one layer for; None if it refuses them."""
    try:
        state, _ = StableDiffusionLoraLoaderMixin.lora_state_dict(dict(tensors))
        names = {key.partition(".lora_")[0] for key in convert_unet_state_dict_to_peft(state)}
    except (ValueError, KeyError):
        return None
    return names.pop().removeprefix("unet.") if len(names) == 1 else None
