"""FLUX.2-klein (Black Forest Labs 2026): normalized latents in patches of 2 x 2, fused projections split."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from cbench.backbone.family import Conditions
from cbench.backbone.flow import FlowFamily
from cbench.backbone.prompts import PromptEmbeddings
from cbench.track import Sampling

FUSED = "to_qkv_mlp_proj"
"""The layer of a single-stream block that projects to queries, keys, values and the MLP at once."""


class SplitLinear(torch.nn.Module):
    """A fused linear layer as its parts, which share its memory: each can have an adapter of its own."""

    def __init__(self, fused: torch.nn.Linear, parts: dict[str, int]) -> None:
        """`parts`: name -> rows of the fused weight, in order."""
        super().__init__()
        first = 0
        for name, rows in parts.items():
            part = torch.nn.Linear(fused.in_features, rows, bias=fused.bias is not None, device="meta")
            at = slice(first, first + rows)
            part.weight = torch.nn.Parameter(fused.weight.detach()[at], requires_grad=False)
            if fused.bias is not None:
                part.bias = torch.nn.Parameter(fused.bias.detach()[at], requires_grad=False)
            self.add_module(name, part)
            first += rows

    def forward(self, x: Tensor) -> Tensor:
        """The parts' outputs side by side, as the fused layer gives them."""
        return torch.cat([part(x) for part in self.children()], dim=-1)


def split(transformer: torch.nn.Module) -> None:
    """Split every fused projection into `to_q`, `to_k`, `to_v` and `to_mlp`."""
    for module in list(transformer.modules()):
        fused = getattr(module, FUSED, None)
        if isinstance(fused, torch.nn.Linear):
            width: Any = module.inner_dim
            parts = {"to_q": width, "to_k": width, "to_v": width, "to_mlp": fused.out_features - 3 * width}
            setattr(module, FUSED, SplitLinear(fused, parts))


class Flux2Family(FlowFamily):
    """`Flux2KleinPipeline`."""

    def __init__(self, pipeline: Any, resolution: int) -> None:
        super().__init__(pipeline, resolution)
        split(self.denoiser)

    def encode_prompts(self, prompts: Sequence[str], device: torch.device) -> PromptEmbeddings:
        """The states of three layers of the language model side by side."""
        return PromptEmbeddings(self.pipeline.encode_prompt(list(prompts), device=device)[0])

    def latents(self, posterior: Any) -> tuple[Tensor, Tensor]:
        """The posterior's mean in patches of 2 x 2, normalized by the autoencoder's batch statistics, and no
        spread: the family trains on the mean."""
        patches, statistics = self.pipeline._patchify_latents(posterior.mean), self.pipeline.vae.bn
        offset, variance = (
            moment.view(1, -1, 1, 1).to(patches.dtype)
            for moment in (statistics.running_mean, statistics.running_var)
        )
        mean = (patches - offset) / torch.sqrt(variance + self.pipeline.vae.config.batch_norm_eps)
        return mean.float(), torch.zeros_like(mean, dtype=torch.float32)

    def predict(self, denoiser: Any, noisy: Tensor, times: Tensor, conditions: Conditions) -> Tensor:
        """The transformer's velocity, unpacked."""
        states, (height, width) = conditions.words.states, noisy.shape[-2:]
        pipeline = self.pipeline
        image_ids = self.positions(
            *("image", *noisy.shape, noisy.device),
            make=lambda: pipeline._prepare_latent_ids(noisy).to(noisy.device),
        )
        word_ids = self.positions(
            *("words", *states.shape, noisy.device),
            make=lambda: pipeline._prepare_text_ids(states).to(noisy.device),
        )
        output = denoiser(
            hidden_states=pipeline._pack_latents(noisy),
            timestep=times / self.noising.levels,
            guidance=None,
            encoder_hidden_states=states,
            txt_ids=word_ids,
            img_ids=image_ids,
        ).sample
        return pipeline._unpack_latents_with_ids(output, image_ids, height, width)

    @property
    def noise_shape(self) -> tuple[int, int, int]:
        """The shape of the latents in patches."""
        return self.denoiser.config.in_channels, self.side // 2, self.side // 2

    def call(
        self, words: PromptEmbeddings, empty: PromptEmbeddings, noise: Tensor, settings: Sampling
    ) -> dict[str, Any]:
        """Classifier-free guidance."""
        return {
            "prompt_embeds": words.states,
            "negative_prompt_embeds": empty.states,
            "latents": noise,
            "guidance_scale": settings.guidance,
        }
