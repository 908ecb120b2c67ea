"""What the stages ask of a model family. Each family is one small class: training, sampling and measuring do
not know which one they run."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from cbench.backbone.noising import Noising
from cbench.backbone.prompts import PromptEmbeddings
from cbench.track import Sampling

NOISE = {"beta_start", "beta_end", "beta_schedule", "trained_betas", "num_train_timesteps", "prediction_type"}
"""The numbers of a scheduler that say what the model was trained on."""


def scheduler_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's numbers, from which another class can be made: where a file leaves out some of NOISE, the
    other class takes those of this one, and not its own defaults."""
    left_out = set(config.get("_use_default_values", ())) - NOISE
    return {**config, "_use_default_values": sorted(left_out)}


class Conditions(NamedTuple):
    """The denoiser's inputs beside the noisy latents, n rows each."""

    words: PromptEmbeddings
    sizes: Tensor | None = None
    """SDXL's size conditioning, n x 6; None for the resolution uncropped."""
    guidance: float = 0.0
    """For transformers with a guidance embedding (FLUX.1-dev)."""


class Family(ABC):
    """A loaded pipeline of one model family, for images of one size."""

    component: ClassVar[str]
    """The pipeline's component that denoises; adapters change its layers."""

    def __init__(self, pipeline: Any, resolution: int) -> None:
        self.pipeline, self.resolution = pipeline, resolution
        self.denoiser: Any = getattr(pipeline, self.component)
        self.scheduler_config = scheduler_config(pipeline.scheduler.config)
        """The scheduler's original settings: sampling may replace the pipeline's scheduler."""

    @cached_property
    @abstractmethod
    def noising(self) -> Noising:
        """How training noises latents, and what it predicts."""

    @abstractmethod
    def encode_prompts(self, prompts: Sequence[str], device: torch.device) -> PromptEmbeddings:
        """The prompts through the text encoder(s), which are on the device."""

    def unconditional(self, empty: PromptEmbeddings) -> PromptEmbeddings:
        """The embedding that guidance starts from, given the empty prompt's."""
        return empty

    @abstractmethod
    def latents(self, posterior: Any) -> tuple[Tensor, Tensor]:
        """(mean, std) of the denoiser's latents, n x c x h x w in fp32, of a posterior of the autoencoder:
        what the pipeline's decoding undoes."""

    @abstractmethod
    def predict(self, denoiser: Any, noisy: Tensor, times: Tensor, conditions: Conditions) -> Tensor:
        """The denoiser's output for noisy latents, of their shape, n x c x h x w. `denoiser` is the family's
        own, perhaps wrapped."""

    @property
    @abstractmethod
    def noise_shape(self) -> tuple[int, int, int]:
        """The shape c x h x w of the noise that sampling of one image starts from."""

    @abstractmethod
    def call(
        self, words: PromptEmbeddings, empty: PromptEmbeddings, noise: Tensor, settings: Sampling
    ) -> dict[str, Any]:
        """The arguments of the pipeline's call that differ between families: prompts, start and guidance."""
