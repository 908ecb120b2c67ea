"""How training noises clean latents, and what the denoiser is to predict."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import Tensor


class Noising(ABC):
    """A noise process with `levels` noise levels, numbered from 0."""

    levels: int

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """The noise levels of `count` latents: integers in [0, levels), on the CPU."""
        return torch.randint(self.levels, (count,), generator=generator)

    def times(self, levels: Tensor) -> Tensor:
        """The timesteps of the levels, as the denoiser takes them."""
        return levels

    @abstractmethod
    def noisy(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """Clean latents, n x c x h x w, noised to their levels."""

    def estimate(self, output: Tensor, noisy: Tensor, levels: Tensor) -> Tensor:
        """What of the denoiser's output is compared with the target, in fp32."""
        return output.float()

    @abstractmethod
    def target(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """What the estimate should be, n x c x h x w in fp32."""


class BetaNoising(Noising):
    """A schedule of betas (Ho et al. 2020); the target is the noise, or the velocity (Salimans & Ho 2022)."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.scheduler = DDPMScheduler.from_config(config)
        self.levels = self.scheduler.config.num_train_timesteps

    def noisy(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """Sqrt(abar) clean + sqrt(1 - abar) noise."""
        return self.scheduler.add_noise(clean, noise, levels)

    def target(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """The noise, or sqrt(abar) noise - sqrt(1 - abar) clean."""
        if self.scheduler.config.prediction_type == "v_prediction":
            return self.scheduler.get_velocity(clean, noise, levels).float()
        return noise.float()
