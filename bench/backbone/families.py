"""Which class of ours runs a pipeline."""

from typing import Any

from cbench.backbone.family import Family
from cbench.backbone.flux import FluxFamily
from cbench.backbone.flux2 import Flux2Family
from cbench.backbone.sd3 import SD3Family
from cbench.backbone.unet import UNetFamily

FAMILIES: dict[str, type[Family]] = {
    "StableDiffusionPipeline": UNetFamily,
    "StableDiffusionXLPipeline": UNetFamily,
    "StableDiffusion3Pipeline": SD3Family,
    "FluxPipeline": FluxFamily,
    "Flux2KleinPipeline": Flux2Family,
}
"""Class name of a pipeline -> its family."""


def family_of(name: str) -> type[Family]:
    """The family of a pipeline's class. Raises ValueError for a class of no known family."""
    if name not in FAMILIES:
        raise ValueError(f"it is a {name}; known: {', '.join(FAMILIES)}")
    return FAMILIES[name]


def open_family(pipeline: Any, resolution: int) -> Family:
    """A loaded pipeline as its family. Raises ValueError for a pipeline of no known family."""
    return family_of(type(pipeline).__name__)(pipeline, resolution)
