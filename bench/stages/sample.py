"""The second stage: sample(update, prompts, noises, settings) -> images."""

from collections.abc import Sequence
from typing import Any

import diffusers
import numpy as np
import torch
from torch import Tensor

from cbench.backbone.backbone import Backbone
from cbench.backbone.prompts import PromptEmbeddings
from cbench.errors import BadInput, unknown
from cbench.stages.batching import in_batches
from cbench.track import Sampling
from cbench.update import Update
from cbench.utils.interrupt import check_interrupt


def noises(backbone: Backbone, count: int, seed: int) -> Tensor:
    """The starting noise of every sample index: count x c x h x w, drawn one by one, so that a longer list
    begins like a shorter one."""
    generator = torch.Generator().manual_seed(seed)
    shape = backbone.family.noise_shape
    return torch.stack([torch.randn(shape, generator=generator) for _ in range(count)])


def own_noise(seed: int, index: int) -> torch.Generator:
    """What an image draws on its way, under a scheduler that draws: its own, whatever shares its batch and
    whatever was drawn before."""
    return torch.Generator().manual_seed(
        int(np.random.SeedSequence([seed % 2**64, index]).generate_state(1)[0])
    )


def use_scheduler(backbone: Backbone, name: str) -> None:
    """Give the pipeline the scheduler class of this name, with the backbone's own numbers; BadInput if
    diffusers has no such class."""
    scheduler = getattr(diffusers, name, None)
    if not (isinstance(scheduler, type) and issubclass(scheduler, diffusers.SchedulerMixin)):
        raise unknown("scheduler", name, [n for n in dir(diffusers) if n.endswith("Scheduler")])
    if type(backbone.pipeline.scheduler) is not scheduler:
        backbone.pipeline.scheduler = scheduler.from_config(backbone.family.scheduler_config)


@torch.no_grad()
def sample(backbone: Backbone, update: Update, prompts: Sequence[str], settings: Sampling) -> np.ndarray:
    """Images of every prompt from every noise, prompt by prompt: (prompts x images) x side x side x 3,
    uint8."""
    use_scheduler(backbone, settings.scheduler)
    count = settings.images_per_prompt
    start = noises(backbone, count, settings.noise_seed)
    embeddings, empty = backbone.encode_prompts(prompts), backbone.encode_empty_prompt()
    jobs = [(p, n) for p in range(len(prompts)) for n in range(count)]

    def draw(rows: Sequence[tuple[int, int]]) -> np.ndarray:
        latents = start[[n for _, n in rows]].to(backbone.device, backbone.denoiser.dtype)
        own = [own_noise(settings.noise_seed, n) for _, n in rows]
        return _draw(
            backbone,
            embeddings.rows([p for p, _ in rows]),
            empty.rows([0] * len(rows)),
            latents,
            own,
            settings,
        )

    with backbone.folded(update), backbone.present(backbone.vae):
        return np.concatenate(in_batches(jobs, settings.batch, draw))


def _go_on(pipeline: Any, step: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Called by the pipeline after each of its steps; it takes over the tensors that are returned."""
    check_interrupt(step + 1, pipeline.num_timesteps)
    return {}


def _draw(
    backbone: Backbone,
    embeddings: PromptEmbeddings,
    empty: PromptEmbeddings,
    latents: Tensor,
    own: list[torch.Generator],
    settings: Sampling,
) -> np.ndarray:
    images = backbone.pipeline(
        **backbone.family.call(embeddings, empty, latents, settings),
        generator=own,
        num_inference_steps=settings.steps,
        height=backbone.resolution,
        width=backbone.resolution,
        output_type="np",
        callback_on_step_end=_go_on,
    ).images
    if not np.isfinite(images).all():
        raise BadInput(
            "the model draws images that are not finite numbers: damaged weights, or more than its "
            "precision (dtype) can represent"
        )
    return (images * 255).round().astype(np.uint8)
