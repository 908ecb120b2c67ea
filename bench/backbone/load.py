"""Finds a track's weights on this machine and loads them: a folder, or a snapshot of a hub id in the Hugging
Face cache."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from safetensors import SafetensorError

from cbench.backbone.backbone import Backbone
from cbench.backbone.check_weights import check_complete
from cbench.errors import BadInput, memory_ran_out
from cbench.resources.locate import locate, locate_vae
from cbench.resources.pipeline_files import INDEX, components, digest_pipeline, read_json, variant_of
from cbench.track import BackboneSpec, Training
from cbench.utils.digest import digest_json

ADAPTED: tuple[str, ...] = Training.model_fields["layers"].default


def identity(spec: BackboneSpec, assets: Path) -> str:
    """Identity of what a backbone computes: the weights by content, or by a hub's commit, and the
    precision."""
    whole = _identity(spec, assets)
    config = read_json((locate_vae(spec, assets) or locate(spec, assets) / "vae") / "config.json")
    # an earlier version trained on other latents of such an autoencoder
    moments = config.get("latents_mean") and config.get("latents_std")
    return digest_json([whole, "latents_mean"]) if moments else whole


def _identity(spec: BackboneSpec, assets: Path) -> str:
    folder = locate(spec, assets)
    own = spec.digest or (
        f"{spec.path}@{spec.revision}"
        if spec.revision and spec.revision in folder.parts
        else digest_pipeline(folder, "vae" if spec.vae else None)
    )
    if spec.dtype == "float32" and spec.vae is None and spec.revision is None:
        return own
    vae = locate_vae(spec, assets)
    other = (
        None
        if vae is None or spec.vae is None
        else spec.vae.revision
        if spec.vae.revision in vae.parts
        else digest_pipeline(vae)
    )
    return digest_json([own, other, spec.dtype, spec.resolution])


def open_backbone(
    spec: BackboneSpec, assets: Path, device: str, layers: tuple[str, ...] = ADAPTED
) -> Backbone:
    """Load the pipeline; BadInput where the weights are others than the track's, or cannot be read.

    A UNet of less than fp32 keeps its weights of the adapted `layers` (ends of names) in fp32 beside, in the
    computer's memory."""
    folder = locate(spec, assets)
    if spec.digest and (actual := digest_pipeline(folder)) != spec.digest:
        raise BadInput(
            f"the weights in {folder} are not those of the track (digest {actual}, wanted {spec.digest})"
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
            f"{device} has not enough memory for the UNet in {folder}; free some, or choose a smaller track"
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


def _load(folder: Path, vae: Path | None, dtype: torch.dtype) -> Any:
    kinds = {"unet": torch.float32, "default": dtype}
    try:
        more = _half_components(folder, "vae" if vae else None, kinds)
        if vae is not None:
            more["vae"] = AutoencoderKL.from_pretrained(
                vae, torch_dtype=dtype, local_files_only=True, variant=variant_of(vae)
            )
        if "safety_checker" in read_json(folder / INDEX):
            more |= {"safety_checker": None, "requires_safety_checker": False}
        pipeline = DiffusionPipeline.from_pretrained(
            folder, torch_dtype=kinds, local_files_only=True, use_safetensors=True, **more
        )
        check_complete(pipeline, folder, vae)
        return pipeline
    except (
        OSError,
        LookupError,
        ValueError,
        RuntimeError,
        TypeError,
        AttributeError,
        SafetensorError,
    ) as error:
        if memory_ran_out(error):
            raise
        raise BadInput(
            f"the pipeline in {folder} cannot be loaded: {' '.join(str(error).split())[:300]}"
        ) from error
