"""Where a track's weights lie on this machine; torch is not needed to know."""

import re
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.hub import find_folder, lacking
from cbench.places import weights_home
from cbench.track import BackboneSpec

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
PIPELINE = ("model_index.json", "unet/config.json", "unet/*.safetensors", "text_encoder*/*.safetensors")
VAE = ("config.json", "*.safetensors")
"""Files without which a folder is no pipeline, or no autoencoder."""


class Wanted(NamedTuple):
    """Something that a track needs from the hub or from a folder."""

    path: str
    revision: str | None
    needed: tuple[str, ...]


def parts(spec: BackboneSpec) -> list[Wanted]:
    """What the backbone is made of: the pipeline, and its other autoencoder if it has one."""
    vae = [Wanted(spec.vae.path, spec.vae.revision, VAE)] if spec.vae else []
    return [Wanted(spec.path, spec.revision, PIPELINE), *vae]


def on_hub(path: str, assets: Path) -> bool:
    """Whether the path of a backbone is a hub id: two words and no folder of that name."""
    return HUB_ID.fullmatch(path) is not None and not (assets / path).exists()


def find(wanted: Wanted, assets: Path) -> Path | None:
    """The folder, or None."""
    folder = assets / wanted.path
    if lacking(folder, wanted.needed) is None:
        return folder
    return find_folder(wanted.path, wanted.revision, wanted.needed) if on_hub(wanted.path, assets) else None


def need(wanted: Wanted, assets: Path) -> Path:
    """The folder; BadInput says where it was looked for and what to do."""
    found = find(wanted, assets)
    if found is not None:
        return found
    if on_hub(wanted.path, assets):
        at = f" at revision {wanted.revision[:12]}" if wanted.revision else ""
        place = weights_home() / wanted.path
        raise BadInput(f"{wanted.path}{at} is not on this machine: run `cbench prepare`, or put its folder at {place}")
    raise BadInput(f"no pipeline in {assets / wanted.path} (no {lacking(assets / wanted.path, wanted.needed)})")


def locate(spec: BackboneSpec, assets: Path) -> Path:
    """The folder of the pipeline; BadInput says where it was looked for."""
    return need(parts(spec)[0], assets)


def locate_vae(spec: BackboneSpec, assets: Path) -> Path | None:
    """The folder of the autoencoder that replaces the pipeline's own, where the track names one."""
    return need(parts(spec)[1], assets) if spec.vae else None
