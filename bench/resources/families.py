"""Which pipelines are trained, and the components that each cannot do without. Known without importing
diffusers; `bench/backbone/families.py` has the classes that run them."""

from typing import Literal, NamedTuple


class Layout(NamedTuple):
    """The components of a family's pipeline."""

    denoiser: str
    """The component that adapters change."""
    classes: dict[str, str]
    """Component -> the class that training knows."""
    texts: tuple[str, ...]
    """Text encoders and tokenizers."""
    noise: Literal["betas", "flow"]
    """A schedule of betas, or a rectified flow."""


UNET = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}
LAYOUTS = {
    "StableDiffusionPipeline": Layout("unet", UNET, ("text_encoder", "tokenizer"), "betas"),
    "StableDiffusionXLPipeline": Layout("unet", UNET, ("text_encoder_2", "tokenizer_2"), "betas"),
    "StableDiffusion3Pipeline": Layout(
        "transformer",
        {"transformer": "SD3Transformer2DModel", "vae": "AutoencoderKL"},
        ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"),
        "flow",
    ),
    "FluxPipeline": Layout(
        "transformer",
        {"transformer": "FluxTransformer2DModel", "vae": "AutoencoderKL"},
        ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"),
        "flow",
    ),
    "Flux2KleinPipeline": Layout(
        "transformer",
        {"transformer": "Flux2Transformer2DModel", "vae": "AutoencoderKLFlux2"},
        ("text_encoder", "tokenizer"),
        "flow",
    ),
}
"""Class name of a pipeline -> its layout."""
