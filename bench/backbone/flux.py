"""FLUX.1 (Black Forest Labs 2024): latents packed in patches of 2 x 2, and in dev guidance as an
input of the transformer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cbench.backbone.family import Conditions
from cbench.backbone.flow import FlowFamily
from cbench.backbone.prompts import PromptEmbeddings
from cbench.track import Sampling


class FluxFamily(FlowFamily):
    """`FluxPipeline`."""

    @property
    def embeds_guidance(self) -> bool:
        """Whether guidance is an input of the transformer (dev); else it takes a second pass."""
        return bool(self.denoiser.config.guidance_embeds)

    def encode_prompts(self, prompts: Sequence[str], device: torch.device) -> PromptEmbeddings:
        """T5's states, and CLIP's pooled embedding."""
        states, pooled, _ = self.pipeline.encode_prompt(list(prompts), device=device)
        return PromptEmbeddings(states, pooled)

    def predict(self, denoiser: Any, noisy: Tensor, times: Tensor, conditions: Conditions) -> Tensor:
        """The transformer's velocity, unpacked."""
        states, pooled = conditions.words
        count, _, height, width = noisy.shape
        place: dict[str, Any] = {"device": noisy.device, "dtype": noisy.dtype}
        prepare = self.pipeline._prepare_latent_image_ids
        places = self.positions(
            *(height, width, *place.values()),
            make=lambda: prepare(count, height // 2, width // 2, **place),
        )
        guidance = torch.full([count], conditions.guidance, device=noisy.device)
        output = denoiser(
            hidden_states=self._packed(noisy),
            timestep=times / self.noising.levels,
            guidance=guidance if self.embeds_guidance else None,
            encoder_hidden_states=states,
            pooled_projections=pooled,
            txt_ids=torch.zeros(states.shape[1], 3, **place),
            img_ids=places,
        ).sample
        factor = self.pipeline.vae_scale_factor
        return self.pipeline._unpack_latents(output, height * factor, width * factor, factor)

    def _packed(self, latents: Tensor) -> Tensor:
        """n x c x h x w as n x (h w / 4) x 4c."""
        return self.pipeline._pack_latents(latents, *latents.shape)

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """The latents' shape before they are packed."""
        return self.denoiser.config.in_channels // 4, self.side, self.side

    def call(
        self, words: PromptEmbeddings, empty: PromptEmbeddings, noise: Tensor, settings: Sampling
    ) -> dict[str, Any]:
        """Guidance by the transformer's embedding if it has one, else classifier-free guidance."""
        prompts = {"prompt_embeds": words.states, "pooled_prompt_embeds": words.pooled}
        latents = {"latents": self._packed(noise)}
        if self.embeds_guidance:
            return {**prompts, **latents, "guidance_scale": settings.guidance}
        return {
            **prompts,
            **latents,
            "negative_prompt_embeds": empty.states,
            "negative_pooled_prompt_embeds": empty.pooled,
            "true_cfg_scale": settings.guidance,
        }
