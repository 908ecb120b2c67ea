"""Stable Diffusion 3 and 3.5 (Esser et al. 2024)."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from cbench.backbone.family import Conditions
from cbench.backbone.flow import FlowFamily
from cbench.backbone.noising import FlowNoising, Noising
from cbench.backbone.prompts import PromptEmbeddings
from cbench.track import Sampling


class SD3Family(FlowFamily):
    """`StableDiffusion3Pipeline`, with or without its T5 encoder (`text_encoder_3`)."""

    @cached_property
    def noising(self) -> Noising:
        """The pipeline's own levels; the loss is that of diffusers' DreamBooth recipe, on the clean
        latents."""
        return FlowNoising(self.scheduler_config, preconditioned=True)

    def encode_prompts(self, prompts: Sequence[str], device: torch.device) -> PromptEmbeddings:
        """The states of both CLIP encoders side by side, then T5's (zeros without it); CLIP's pooled ones."""
        states, _, pooled, _ = self.pipeline.encode_prompt(
            list(prompts), None, None, device=device, do_classifier_free_guidance=False
        )
        return PromptEmbeddings(states, pooled)

    def predict(self, denoiser: Any, noisy: Tensor, times: Tensor, conditions: Conditions) -> Tensor:
        """The transformer's velocity."""
        states, pooled = conditions.words
        return denoiser(
            hidden_states=noisy, timestep=times, encoder_hidden_states=states, pooled_projections=pooled
        ).sample

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """The latents' shape."""
        return self.denoiser.config.in_channels, self.side, self.side

    def call(
        self, words: PromptEmbeddings, empty: PromptEmbeddings, noise: Tensor, settings: Sampling
    ) -> dict[str, Any]:
        """Classifier-free guidance."""
        return {
            "prompt_embeds": words.states,
            "pooled_prompt_embeds": words.pooled,
            "negative_prompt_embeds": empty.states,
            "negative_pooled_prompt_embeds": empty.pooled,
            "latents": noise,
            "guidance_scale": settings.guidance,
        }
