"""Loads a track's weights from a folder, or from a snapshot of a hub id in the Hugging Face cache."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from safetensors import SafetensorError

from cbench.backbone.backbone import Backbone
from cbench.backbone.check_weights import check_complete
from cbench.errors import BadInput, memory_ran_out
from cbench.resources.locate import locate, locate_vae
from cbench.track import BackboneSpec, Training
from cbench.utils.digest import digest_json, digest_tree
from cbench.utils.text import one_line

ADAPTED: tuple[str, ...] = Training.model_fields["layers"].default


UNLOADABLE = (
    *(OSError, LookupError, ValueError, RuntimeError),
    *(TypeError, AttributeError, SafetensorError),
)
"""What diffusers and transformers raise for files that they cannot load."""


def identity(spec: BackboneSpec, assets: Path) -> str:
    """Identity of what a backbone computes: weights (by content or hub commit) and precision."""
    folder = locate(spec, assets)
    own = spec.digest or _weights(folder, spec.revision, f"{spec.path}@{spec.revision}")
    if spec.dtype == "float32" and spec.vae is None and spec.revision is None:
        return own
    vae = locate_vae(spec, assets)
    other = _weights(vae, spec.vae.revision, spec.vae.revision or "") if vae and spec.vae else None
    return digest_json([own, other, spec.dtype, spec.resolution])


def _weights(folder: Path, revision: str | None, name: str) -> str:
    """`name` for a hub's snapshot at the revision, else the digest of the folder."""
    return name if revision and revision in folder.parts else digest_tree(folder)


def open_backbone(
    spec: BackboneSpec, assets: Path, device: str, layers: tuple[str, ...] = ADAPTED
) -> Backbone:
    """Load the pipeline. Raises BadInput if the weights are not the track's or cannot be read.

    If the UNet is not in fp32, the weights of its adapted `layers` (suffixes of names) are kept in fp32 in
    the computer's memory."""
    folder = locate(spec, assets)
    if spec.digest and digest_tree(folder) != spec.digest:
        raise BadInput(
            f"the weights in {folder} are not the track's (digest {digest_tree(folder)}, expected "
            f"{spec.digest})"
        )
    pipeline = _load(folder, locate_vae(spec, assets), getattr(torch, spec.dtype))
    exact = {}
    if spec.dtype != "float32":
        for name, module in pipeline.unet.named_modules():
            if isinstance(module, torch.nn.Linear) and name.endswith(layers):
                exact[name] = module.weight.detach().clone()
        pipeline.unet.to(getattr(torch, spec.dtype))
    pipeline.set_progress_bar_config(disable=True)
    try:
        pipeline.unet.to(device)
        return Backbone(pipeline if device != "cpu" else pipeline.to(device), spec.resolution, exact)
    except torch.OutOfMemoryError as error:
        raise BadInput(
            f"{device} has too little memory for the UNet in {folder}; free some, or choose a smaller track"
        ) from error


def _load(folder: Path, vae: Path | None, dtype: torch.dtype) -> Any:
    more: dict[str, Any] = {}
    try:
        if vae is not None:
            more["vae"] = AutoencoderKL.from_pretrained(vae, torch_dtype=dtype, local_files_only=True)
        if "safety_checker" in json.loads((folder / "model_index.json").read_text()):
            more |= {"safety_checker": None, "requires_safety_checker": False}
        kinds = {"unet": torch.float32, "default": dtype}
        pipeline = DiffusionPipeline.from_pretrained(
            folder, torch_dtype=kinds, local_files_only=True, use_safetensors=True, **more
        )
        check_complete(pipeline, folder, vae)
        return pipeline
    except UNLOADABLE as error:
        if memory_ran_out(error):
            raise
        raise BadInput(f"the pipeline in {folder} cannot be loaded: {one_line(error, 300)}") from error
