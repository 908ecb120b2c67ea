"""Stable Diffusion 1.x, 2.x and XL: a UNet on a schedule of betas."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from cbench.backbone.family import Conditions, Family
from cbench.backbone.noising import BetaNoising, Noising
from cbench.backbone.prompts import PromptEmbeddings
from cbench.track import Sampling


class UNetFamily(Family):
    """`StableDiffusionPipeline` and `StableDiffusionXLPipeline`."""

    component = "unet"

    def __init__(self, pipeline: Any, resolution: int) -> None:
        super().__init__(pipeline, resolution)
        kind = self.scheduler_config.get("prediction_type")
        if kind not in ("epsilon", "v_prediction"):
            raise ValueError(f"the scheduler's prediction_type is {kind!r}; supported: epsilon, v_prediction")
        self._sizes: dict[tuple[int, torch.dtype], Tensor] = {}

    @cached_property
    def noising(self) -> Noising:
        """The pipeline's own schedule of betas."""
        return BetaNoising(self.scheduler_config)

    def encode_prompts(self, prompts: Sequence[str], device: torch.device) -> PromptEmbeddings:
        """The last states that the pipeline uses; SDXL also has a pooled embedding."""
        embeddings = self.pipeline.encode_prompt(
            list(prompts), device=device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        return PromptEmbeddings(embeddings[0], embeddings[2] if len(embeddings) == 4 else None)

    def unconditional(self, empty: PromptEmbeddings) -> PromptEmbeddings:
        """The empty prompt's embedding, or zeros (SDXL)."""
        if not self.pipeline.config.get("force_zeros_for_empty_prompt"):
            return empty
        pooled = None if empty.pooled is None else torch.zeros_like(empty.pooled)
        return PromptEmbeddings(torch.zeros_like(empty.states), pooled)

    def latents(self, posterior: Any) -> tuple[Tensor, Tensor]:
        """(z - offset) * scale."""
        offset, scale = self._latent_scale(posterior.mean)
        return ((posterior.mean - offset) * scale).float(), (posterior.std * scale).float()

    def _latent_scale(self, like: Tensor) -> tuple[Tensor | float, Tensor | float]:
        """SDXL's pipeline undoes `latents_mean` and `latents_std` if both are set, Stable Diffusion's
        neither, and none a `shift_factor`: what decoding ignores, encoding ignores too."""
        config = self.pipeline.vae.config
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if not isinstance(self.pipeline, StableDiffusionXLPipeline) or mean is None or std is None:
            return 0.0, config.scaling_factor
        offset, spread = (
            torch.tensor(v, dtype=like.dtype, device=like.device).view(1, -1, 1, 1) for v in (mean, std)
        )
        return offset, config.scaling_factor / spread

    def predict(self, denoiser: Any, noisy: Tensor, times: Tensor, conditions: Conditions) -> Tensor:
        """The UNet's noise or velocity."""
        return denoiser(noisy, times, **self.arguments(conditions.words, conditions.sizes)).sample

    def arguments(self, words: PromptEmbeddings, sizes: Tensor | None = None) -> dict[str, Any]:
        """The UNet's keyword arguments for these prompts.

        SDXL's size conditioning is `sizes`, n x 6 (original height and width, crop top and left, target
        height and width), or the resolution uncropped."""
        if words.pooled is None:
            return {"encoder_hidden_states": words.states}
        if sizes is not None:
            time_ids = sizes.to(words.pooled.dtype)
            return {
                "encoder_hidden_states": words.states,
                "added_cond_kwargs": {"text_embeds": words.pooled, "time_ids": time_ids},
            }
        side, kind = self.resolution, (len(words.states), words.pooled.dtype)
        if kind not in self._sizes:  # cached: a GPU would wait for the copy at every step
            self._sizes[kind] = torch.tensor(
                [[side, side, 0, 0, side, side]] * kind[0], device=words.pooled.device, dtype=kind[1]
            )
        return {
            "encoder_hidden_states": words.states,
            "added_cond_kwargs": {"text_embeds": words.pooled, "time_ids": self._sizes[kind]},
        }

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """The latents' shape."""
        side = self.resolution // self.pipeline.vae_scale_factor
        return self.denoiser.config.in_channels, side, side

    def call(
        self, words: PromptEmbeddings, empty: PromptEmbeddings, noise: Tensor, settings: Sampling
    ) -> dict[str, Any]:
        """Classifier-free guidance, perhaps rescaled (Lin et al. 2024)."""
        pooled = {}
        if words.pooled is not None:
            pooled = {
                "pooled_prompt_embeds": words.pooled,
                "negative_pooled_prompt_embeds": empty.pooled,
            }
        return {
            "prompt_embeds": words.states,
            "negative_prompt_embeds": empty.states,
            "latents": noise,
            "guidance_scale": settings.guidance,
            "guidance_rescale": settings.guidance_rescale,
            **pooled,
        }
