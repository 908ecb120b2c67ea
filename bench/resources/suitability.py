"""Whether a track's pipeline can be trained and sampled rightly, judged by its configuration files, before
anything heavy is imported. What is missing or cannot be read is reported where it is loaded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cbench.errors import BadInput
from cbench.resources.families import LAYOUTS, Layout
from cbench.resources.flow_faults import WAY_OUT, flow_faults, scheduler_faults
from cbench.resources.hub import folders
from cbench.resources.locate import on_hub
from cbench.resources.pipeline_files import INDEX, read_json
from cbench.resources.samplers import check_name, sampling_faults, training_faults
from cbench.track import BackboneSpec, Track
from cbench.utils.files import ASSETS
from cbench.utils.text import one_line

ALONE = {
    "class_embed_type": "class labels",
    "num_class_embeds": "class labels",
    "encoder_hid_dim_type": "projected embeddings",
    "time_cond_proj_dim": "the guidance it was distilled with",
}
"""Fields of a UNet's configuration that ask for inputs which training does not give."""


def check_suitable(track: Track) -> None:
    """BadInput, with the first reason, if the track's pipeline cannot be trained or sampled rightly."""
    check_name(track.sampling.scheduler)
    folder = _folder(track.backbone.path, track.backbone.revision)
    if folder is None or not (index := read_json(folder / INDEX)):
        return
    fault = next(_faults(track, folder, index), None)
    if fault:
        raise BadInput(f"the pipeline in {folder} cannot be used: {one_line(fault, 300)}")


def _folder(path: str, revision: str | None, file: str = INDEX) -> Path | None:
    """The folder of a pipeline or autoencoder, complete or not; None if there is none."""
    cached = folders(path, revision, file) if on_hub(path, ASSETS) else []
    return next((place for place in (ASSETS / path, *cached) if (place / file).is_file()), None)


def _faults(track: Track, folder: Path, index: dict[str, Any]) -> Iterator[str]:
    kind = index.get("_class_name")
    layout = LAYOUTS.get(kind) if isinstance(kind, str) else None
    if layout is None:
        yield f"it is a {kind}, no {' or '.join(LAYOUTS)}; name the folder of a text-to-image pipeline"
        return
    yield from _pipeline_faults(str(kind), layout, index)
    vae = _vae(track.backbone, folder)
    own, scheduler = _class(index, "scheduler"), read_json(folder / "scheduler" / "scheduler_config.json")
    if layout.noise == "flow":
        yield from flow_faults(track, folder, str(kind), vae)
        if scheduler:
            yield from scheduler_faults(track, own, scheduler)
        return
    if unet := read_json(folder / "unet" / "config.json"):
        yield from _unet_faults(unet, vae)
        yield from _words_faults(unet, folder, index)
    if vae:
        yield from _vae_faults(vae, index, track.backbone.resolution)
    if scheduler:
        yield from training_faults(own, scheduler)
        yield from sampling_faults(track.sampling, own, scheduler)
        if track.training.timesteps != "uniform":
            yield (
                f"training.timesteps: {track.training.timesteps} is for rectified flows, and this model was "
                "trained on a schedule of betas, whose timesteps are drawn uniformly"
            )


def _class(index: dict[str, Any], name: str) -> str:
    """The class of a component; empty if the pipeline has none."""
    part = index.get(name)
    return str(part[1]) if isinstance(part, list) and len(part) == 2 and part[1] else ""


def _pipeline_faults(kind: str, layout: Layout, index: dict[str, Any]) -> Iterator[str]:
    for name in (*layout.classes, "scheduler", *layout.texts):
        if not _class(index, name):
            yield f"it has no {name}, without which {kind} cannot draw"
    for name, wanted in layout.classes.items():
        if (actual := _class(index, name)) != wanted:
            yield f"its {name} is a {actual}, and cbench trains with {wanted}"


def _unet_faults(unet: dict[str, Any], vae: dict[str, Any]) -> Iterator[str]:
    """`vae` is empty if its configuration cannot be read."""
    reads, gives = unet.get("in_channels", 4), unet.get("out_channels", 4)
    latents = vae.get("latent_channels", 4) if vae else gives
    if not reads == gives == latents:
        yield (
            f"its UNet reads {reads} channels and gives {gives}, the latents have {latents} (9: inpainting, "
            f"8: editing); {WAY_OUT}"
        )
    for field, what in ALONE.items():
        if unet.get(field) is not None:
            yield f"its UNet asks for {what} ({field}), which training does not give; {WAY_OUT}"


def _words_faults(unet: dict[str, Any], folder: Path, index: dict[str, Any]) -> Iterator[str]:
    """Where the UNet does not fit the text encoders."""
    texts = [
        read_json(folder / name / "config.json")
        for name in ("text_encoder", "text_encoder_2")
        if _class(index, name)
    ]
    match _integers(unet.get("cross_attention_dim", 1280), *(text.get("hidden_size") for text in texts)):
        case [cross, *widths] if cross != sum(widths):
            yield f"its UNet reads words of width {cross}, the text encoders give {sum(widths)}; {WAY_OUT}"
    added = unet.get("addition_embed_type")
    if added != ("text_time" if index.get("_class_name") == "StableDiffusionXLPipeline" else None):
        yield f"its UNet's addition_embed_type is {added!r}, which {index.get('_class_name')} does not give"
    if added and texts:
        yield from _added_faults(unet, texts[-1].get("projection_dim"))


def _added_faults(unet: dict[str, Any], pooled: Any) -> Iterator[str]:
    """Where the UNet wants other conditions than the pooled words and six sizes: the refiner has five."""
    fields = ("projection_class_embeddings_input_dim", "addition_time_embed_dim")
    match _integers(*(unet.get(field) for field in fields), pooled):
        case [width, each, words] if width != 6 * each + words:
            yield (
                f"its UNet's added conditions are {width} wide, those of text to image {6 * each + words} (a "
                f"refiner has others); {WAY_OUT}"
            )


def _integers(*values: Any) -> list[int]:
    """The values; none of them if one is no integer."""
    whole = [value for value in values if isinstance(value, int)]
    return whole if len(whole) == len(values) else []


def _vae(spec: BackboneSpec, folder: Path) -> dict[str, Any]:
    """The configuration of the autoencoder that is used; empty if it cannot be read."""
    own = _folder(spec.vae.path, spec.vae.revision, "config.json") if spec.vae else folder / "vae"
    return read_json(own / "config.json") if own else {}


def _vae_faults(vae: dict[str, Any], index: dict[str, Any], resolution: int) -> Iterator[str]:
    if (kind := vae.get("_class_name", "AutoencoderKL")) != "AutoencoderKL":
        yield f"its vae is a {kind}, and cbench trains with AutoencoderKL"
    mean, std = vae.get("latents_mean"), vae.get("latents_std")
    four = all(isinstance(v, list) and len(v) == 4 for v in (mean, std))
    if index.get("_class_name") == "StableDiffusionXLPipeline" and mean and std and not four:
        yield "its vae's latents_mean and latents_std are not 4 numbers each, as the pipeline decodes them"
    blocks = vae.get("block_out_channels")
    if isinstance(blocks, list) and resolution % (side := 2 ** (len(blocks) - 1)):
        yield f"its vae reads images in squares of {side}, and the track's resolution is {resolution}"
