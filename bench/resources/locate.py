"""Finds a track's weights on this machine, without importing torch."""

import re
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.resources.completeness import incomplete_reason, missing_file
from cbench.resources.families import LAYOUTS
from cbench.resources.hub import folders
from cbench.resources.paths import weights_home
from cbench.resources.pipeline_files import INDEX, read_json
from cbench.track import BackboneSpec

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


VAE = ("config.json", "*.safetensors")
"""Files that every autoencoder folder has."""


class ModelSource(NamedTuple):
    """A pipeline or autoencoder that a track names, on the hub or in a folder."""

    path: str
    revision: str | None
    pipeline: bool = False
    without: str = ""
    """A component of the pipeline that another source replaces."""

    def needed(self, folder: Path) -> tuple[str, ...]:
        """The files that the folder cannot do without."""
        if not self.pipeline:
            return VAE
        kind = read_json(folder / INDEX).get("_class_name")
        denoiser = (LAYOUTS.get(str(kind)) or LAYOUTS["StableDiffusionPipeline"]).denoiser
        return INDEX, f"{denoiser}/config.json", f"{denoiser}/*.safetensors", "text_encoder*/*.safetensors"


def parts(spec: BackboneSpec) -> list[ModelSource]:
    """The sources of the backbone: the pipeline, and the autoencoder that replaces its own, if any."""
    vae = [ModelSource(spec.vae.path, spec.vae.revision)] if spec.vae else []
    return [ModelSource(spec.path, spec.revision, True, "vae" if spec.vae else ""), *vae]


def on_hub(path: str, assets: Path) -> bool:
    """Whether a backbone's path is a hub id: OWNER/NAME, and no folder of that name."""
    return HUB_ID.fullmatch(path) is not None and not (assets / path).exists()


def find(source: ModelSource, assets: Path) -> Path | None:
    """The complete folder, or None."""
    return search(source, assets)[0]


def search(source: ModelSource, assets: Path) -> tuple[Path | None, str | None]:
    """(folder, None) if it is complete; else (None, reason), the reason None if there is no folder at all."""
    first = INDEX if source.pipeline else VAE[0]
    cached = folders(source.path, source.revision, first) if on_hub(source.path, assets) else []
    reasons = [
        (folder, incomplete_reason(folder, source.needed(folder), source.without))
        for folder in (assets / source.path, *cached)
        if folder.is_dir()
    ]
    complete = next((folder for folder, reason in reasons if reason is None), None)
    return complete, None if complete or not reasons else reasons[0][1]


def require(source: ModelSource, assets: Path) -> Path:
    """The folder. An incomplete folder of the user's own is still returned; loading it reports the reason.

    Raises BadInput, which says what to do, if there is none."""
    folder, reason = search(source, assets)
    if folder is not None:
        return folder
    if on_hub(source.path, assets):
        at = f" at revision {source.revision[:12]}" if source.revision else ""
        state = f"is incomplete ({reason})" if reason else "is not on this machine"
        path = weights_home() / source.path
        raise BadInput(f"{source.path}{at} {state}: run `cbench prepare`, or put its folder at {path}")
    own = assets / source.path
    if missing := missing_file(own, source.needed(own)):
        raise BadInput(f"no pipeline in {own} (no {missing})")
    return own


def locate(spec: BackboneSpec, assets: Path) -> Path:
    """The folder of the pipeline. Raises BadInput, which says what to do, if there is none."""
    return require(parts(spec)[0], assets)


def locate_vae(spec: BackboneSpec, assets: Path) -> Path | None:
    """The folder of the autoencoder that replaces the pipeline's own; None if the track names none."""
    return require(parts(spec)[1], assets) if spec.vae else None
