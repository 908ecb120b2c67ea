"""Why a rectified-flow transformer cannot be trained or sampled rightly, judged by its configuration files.
Each function takes configurations that may be empty: what cannot be read is reported where it is loaded."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cbench.resources.pipeline_files import read_json
from cbench.resources.samplers import FLOWS
from cbench.track import Track

WAY_OUT = "name a text-to-image pipeline"
PATCHES = {"StableDiffusion3Pipeline": 1, "FluxPipeline": 4, "Flux2KleinPipeline": 4}
"""Channels of the transformer for each channel of the latents."""
READ_LAYERS = 27
"""The deepest layer of the language model that FLUX.2-klein's prompts come from."""


def flow_faults(track: Track, folder: Path, kind: str, vae: Mapping[str, Any]) -> Iterator[str]:
    """The reasons, for a pipeline of the class `kind` in the folder, with this autoencoder."""
    config = {
        name: read_json(folder / name / "config.json")
        for name in ("transformer", "text_encoder", "text_encoder_2", "text_encoder_3")
    }
    transformer = config["transformer"]
    if transformer and vae:
        yield from _size_faults(transformer, vae, kind, track.backbone.resolution)
    if transformer:
        yield from _prompt_faults(config, kind)
    if kind == "Flux2KleinPipeline":
        yield from _klein_faults(config, read_json(folder / "model_index.json"))
    elif vae and None in (vae.get("scaling_factor", 1), vae.get("shift_factor")):
        yield "its vae has no shift_factor or scaling_factor, by which the pipeline scales latents"


def _size_faults(
    transformer: Mapping[str, Any], vae: Mapping[str, Any], kind: str, resolution: int
) -> Iterator[str]:
    """Where the transformer does not fit the autoencoder's latents, or neither the track's resolution."""
    latents, patch = vae.get("latent_channels", 4), transformer.get("patch_size", 1)
    reads, gives = transformer.get("in_channels", 16), transformer.get("out_channels")
    wanted = latents * PATCHES[kind]
    if reads != wanted or gives not in (None, wanted):
        yield (
            f"its transformer reads {reads} channels and gives {reads if gives is None else gives}, the "
            f"latents have {wanted} (more: filling or editing); {WAY_OUT}"
        )
    blocks = vae.get("block_out_channels")
    if not isinstance(blocks, list) or not isinstance(patch, int):
        return
    each = 2 ** (len(blocks) - 1) * (2 if PATCHES[kind] == 4 else patch)
    if resolution % each:
        yield f"it draws images in squares of {each}, and the track's resolution is {resolution}"
    most = transformer.get("pos_embed_max_size")
    if isinstance(most, int) and resolution // each > most:
        yield f"it draws images of at most {most * each} pixels, and the track's resolution is {resolution}"


def _prompt_faults(config: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[str]:
    """Where the transformer does not fit the text encoders."""
    transformer, one, two, three = config.values()
    match kind:
        case "StableDiffusion3Pipeline":
            states = three.get("d_model") if three else None
            pooled = _sum(one.get("projection_dim"), two.get("projection_dim"))
        case "FluxPipeline":
            states, pooled = two.get("d_model"), one.get("hidden_size")
        case _:
            states, pooled = _sum(*[one.get("hidden_size")] * 3), None
    for field, given in (("joint_attention_dim", states), ("pooled_projection_dim", pooled)):
        reads = transformer.get(field)
        if isinstance(reads, int) and isinstance(given, int) and reads != given:
            yield f"its transformer reads words of width {reads} ({field}), the text encoders give {given}"


def _sum(*widths: Any) -> int | None:
    return sum(widths) if all(isinstance(width, int) for width in widths) else None


def _klein_faults(config: Mapping[str, Mapping[str, Any]], index: Mapping[str, Any]) -> Iterator[str]:
    if index.get("is_distilled"):
        yield (
            "it is distilled for a few steps, which training would undo; name its base model "
            "(FLUX.2-klein-base)"
        )
    if config["transformer"].get("guidance_embeds", True) and config["transformer"]:
        yield "its transformer embeds the guidance (guidance_embeds), which its pipeline never gives"
    layers = config["text_encoder"].get("num_hidden_layers")
    if isinstance(layers, int) and layers < READ_LAYERS:
        yield f"its text encoder has {layers} layers, and the pipeline reads layer {READ_LAYERS}"


def scheduler_faults(track: Track, own: str, config: Mapping[str, Any]) -> Iterator[str]:
    """Why the pipeline's own scheduler (its class and numbers) does not train, or the track's not sample."""
    name, steps = track.sampling.scheduler, track.sampling.steps
    if own not in FLOWS:
        yield f"its scheduler {own} does not follow a flow; known: {', '.join(FLOWS)}"
    if name not in FLOWS:
        yield f"{name} samples models trained on betas, and this one follows a flow: {', '.join(FLOWS)}"
    for field in ("invert_sigmas", "stochastic_sampling"):
        if config.get(field):
            yield f"its scheduler's {field} is set, which is not trained"
    times = config.get("num_train_timesteps", 1000)
    if isinstance(times, int) and steps > times:
        yield f"{name} samples this model in at most {times} steps, the track asks for {steps}"
    if track.sampling.guidance_rescale:
        yield "sampling.guidance_rescale is for UNets, and this pipeline does not rescale its guidance"
    if track.training.sizes != "target":
        yield "training.sizes: photograph is SDXL's conditioning, and this pipeline has none"
