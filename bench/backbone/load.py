"""Loads a track's weights from a folder, or from a snapshot of a hub id in the Hugging Face cache."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from safetensors import SafetensorError

from cbench.backbone.backbone import Backbone
from cbench.backbone.check_weights import check_complete
from cbench.backbone.families import family_of, open_family
from cbench.backbone.family import Family
from cbench.errors import BadInput, memory_ran_out
from cbench.resources.locate import locate, locate_vae
from cbench.resources.pipeline_files import INDEX, components, digest_pipeline, read_json, variant_of
from cbench.track import BackboneSpec, Training
from cbench.utils.digest import digest_json
from cbench.utils.text import one_line

ADAPTED: tuple[str, ...] = Training.model_fields["layers"].default


UNLOADABLE = (
    *(OSError, LookupError, ValueError, RuntimeError),
    *(TypeError, AttributeError, SafetensorError),
)
"""What diffusers and transformers raise for files that they cannot load."""


def identity(spec: BackboneSpec, assets: Path) -> str:
    """Identity of what a backbone computes: weights (by content or hub commit) and precision."""
    whole = _identity(spec, assets)
    config = read_json((locate_vae(spec, assets) or locate(spec, assets) / "vae") / "config.json")
    # an earlier version trained on other latents of such an autoencoder
    moments = config.get("latents_mean") and config.get("latents_std")
    return digest_json([whole, "latents_mean"]) if moments else whole


def _identity(spec: BackboneSpec, assets: Path) -> str:
    folder = locate(spec, assets)
    without = "vae" if spec.vae else None
    own = spec.digest or _weights(folder, spec.revision, f"{spec.path}@{spec.revision}", without)
    if spec.dtype == "float32" and spec.vae is None and spec.revision is None:
        return own
    vae = locate_vae(spec, assets)
    other = _weights(vae, spec.vae.revision, spec.vae.revision or "") if vae and spec.vae else None
    return digest_json([own, other, spec.dtype, spec.resolution])


def _weights(folder: Path, revision: str | None, name: str, without: str | None = None) -> str:
    """`name` for a hub's snapshot at the revision, else the digest of the folder's own files."""
    return name if revision and revision in folder.parts else digest_pipeline(folder, without)


def open_backbone(
    spec: BackboneSpec, assets: Path, device: str, layers: tuple[str, ...] = ADAPTED
) -> Backbone:
    """Load the pipeline. Raises BadInput if the weights are not the track's or cannot be read.

    If the denoiser is not in fp32, the weights of its adapted `layers` (suffixes of names) are kept in fp32
    in the computer's memory."""
    folder = locate(spec, assets)
    if spec.digest and (actual := digest_pipeline(folder)) != spec.digest:
        raise BadInput(
            f"the weights in {folder} are not the track's (digest {actual}, expected {spec.digest})"
        )
    family = _load(folder, locate_vae(spec, assets), spec)
    exact = {}
    if spec.dtype != "float32":
        for name, module in family.denoiser.named_modules():
            if isinstance(module, torch.nn.Linear) and name.endswith(layers):
                exact[name] = module.weight.detach().clone()
        family.denoiser.to(getattr(torch, spec.dtype))
    family.pipeline.set_progress_bar_config(disable=True)
    try:
        family.denoiser.to(device)
        if device == "cpu":
            family.pipeline.to(device)
        return Backbone(family, exact)
    except torch.OutOfMemoryError as error:
        raise BadInput(
            f"{device} has too little memory for the backbone in {folder}; free some, or choose a smaller "
            "track"
        ) from error


def _half_components(folder: Path, without: str | None, kinds: dict[str, torch.dtype]) -> dict[str, Any]:
    """The components that have weights in the variant `fp16` alone, which the pipeline does not find by
    itself."""
    return {
        name: getattr(import_module(library), kind).from_pretrained(
            folder / name,
            variant=variant,
            torch_dtype=kinds.get(name, kinds["default"]),
            local_files_only=True,
            use_safetensors=True,
        )
        for name, (library, kind) in components(folder, without).items()
        if library in ("diffusers", "transformers") and (variant := variant_of(folder / name))
    }


def _load(folder: Path, vae: Path | None, spec: BackboneSpec) -> Family:
    dtype = getattr(torch, spec.dtype)
    try:
        kind = family_of(str(read_json(folder / INDEX).get("_class_name")))
        kinds = {kind.component: torch.float32, "default": dtype}
        more = _half_components(folder, "vae" if vae else None, kinds)
        if vae is not None:
            more["vae"] = AutoencoderKL.from_pretrained(
                vae, torch_dtype=dtype, local_files_only=True, variant=variant_of(vae)
            )
        index = read_json(folder / INDEX)
        if "safety_checker" in index:
            more |= {"safety_checker": None, "requires_safety_checker": False}
        more |= {name: None for name, library in index.items() if library == [None, None]}
        pipeline = DiffusionPipeline.from_pretrained(
            folder, torch_dtype=kinds, local_files_only=True, use_safetensors=True, **more
        )
        check_complete(pipeline, folder, vae, kind.component)
        return open_family(pipeline, spec.resolution)
    except UNLOADABLE as error:
        if memory_ran_out(error):
            raise
        raise BadInput(f"the pipeline in {folder} cannot be loaded: {one_line(error, 300)}") from error
