"""Where a track's weights lie on this machine; torch is not needed to know."""

import re
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.resources.completeness import fault, missing_file
from cbench.resources.hub import folders
from cbench.resources.paths import weights_home
from cbench.track import BackboneSpec

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


PIPELINE = ("model_index.json", "unet/config.json", "unet/*.safetensors", "text_encoder*/*.safetensors")


VAE = ("config.json", "*.safetensors")
"""Files without which a folder is no pipeline, or no autoencoder."""


class ModelSource(NamedTuple):
    """Something that a track needs from the hub or from a folder."""

    path: str
    revision: str | None
    needed: tuple[str, ...]
    without: str = ""
    """A component of the pipeline that another replaces."""


def parts(spec: BackboneSpec) -> list[ModelSource]:
    """What the backbone is made of: the pipeline, and its other autoencoder if it has one."""
    vae = [ModelSource(spec.vae.path, spec.vae.revision, VAE)] if spec.vae else []
    return [ModelSource(spec.path, spec.revision, PIPELINE, "vae" if spec.vae else ""), *vae]


def on_hub(path: str, assets: Path) -> bool:
    """Whether the path of a backbone is a hub id: two words and no folder of that name."""
    return HUB_ID.fullmatch(path) is not None and not (assets / path).exists()


def find(wanted: ModelSource, assets: Path) -> Path | None:
    """The whole folder, or None."""
    return search(wanted, assets)[0]


def search(wanted: ModelSource, assets: Path) -> tuple[Path | None, str | None]:
    """The whole folder, or None and what the one that lies there lacks."""
    more = folders(wanted.path, wanted.revision, wanted.needed[0]) if on_hub(wanted.path, assets) else []
    faults = [
        (place, fault(place, wanted.needed, wanted.without))
        for place in (assets / wanted.path, *more)
        if place.is_dir()
    ]
    found = next((place for place, told in faults if told is None), None)
    return found, None if found or not faults else faults[0][1]


def need(wanted: ModelSource, assets: Path) -> Path:
    """The folder; BadInput says where it was looked for and what to do. A user's own that is not whole is
    given: to load it says why."""
    found, told = search(wanted, assets)
    if found is not None:
        return found
    if on_hub(wanted.path, assets):
        at = f" at revision {wanted.revision[:12]}" if wanted.revision else ""
        state, place = (
            f"is here in part ({told})" if told else "is not on this machine",
            weights_home() / wanted.path,
        )
        raise BadInput(f"{wanted.path}{at} {state}: run `cbench prepare`, or put its folder at {place}")
    lost = missing_file(assets / wanted.path, wanted.needed)
    if lost is None:
        return assets / wanted.path
    raise BadInput(f"no pipeline in {assets / wanted.path} (no {lost})")


def locate(spec: BackboneSpec, assets: Path) -> Path:
    """The folder of the pipeline; BadInput says where it was looked for."""
    return need(parts(spec)[0], assets)


def locate_vae(spec: BackboneSpec, assets: Path) -> Path | None:
    """The folder of the autoencoder that replaces the pipeline's own, where the track names one."""
    return need(parts(spec)[1], assets) if spec.vae else None
