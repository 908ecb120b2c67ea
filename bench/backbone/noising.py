"""How training noises clean latents, and what the denoiser is to predict."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler
from diffusers.training_utils import compute_density_for_timestep_sampling
from torch import Tensor

from cbench.track import Training


class Noising(ABC):
    """A noise process with `levels` noise levels, numbered from 0."""

    levels: int

    def draw(self, count: int, settings: Training, generator: torch.Generator) -> Tensor:
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


class FlowNoising(Noising):
    """A rectified flow (Liu et al. 2023): noisy = (1 - sigma) clean + sigma noise, and the denoiser's output
    is the velocity noise - clean.

    Level 0 is pure noise. The sigmas of the levels are the scheduler's, with its shift (Esser et al. 2024,
    eq. 23); a shift that depends on the image size (`use_dynamic_shifting`) belongs to sampling alone.
    If `preconditioned`, the estimate of the clean latents is compared, noisy - sigma x output (Karras et al.
    2022, section 5): the velocity's squared error times sigma^2."""

    def __init__(self, config: Mapping[str, Any], preconditioned: bool = False) -> None:
        scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
        self.levels, self.preconditioned = scheduler.config.num_train_timesteps, preconditioned
        self._sigmas, self._times = scheduler.sigmas, scheduler.timesteps

    def draw(self, count: int, settings: Training, generator: torch.Generator) -> Tensor:
        """Levels with the density that `settings.timesteps` names."""
        shares = compute_density_for_timestep_sampling(
            settings.timesteps, count, logit_mean=0.0, logit_std=1.0, generator=generator
        )
        return (shares * self.levels).long()

    def times(self, levels: Tensor) -> Tensor:
        """Sigma x the number of levels: 1000 for pure noise."""
        self._times = self._times.to(levels.device)
        return self._times[levels]

    def sigmas(self, levels: Tensor) -> Tensor:
        """The sigmas of the levels, n x 1 x 1 x 1, in (0, 1]."""
        self._sigmas = self._sigmas.to(levels.device)
        return self._sigmas[levels].view(-1, 1, 1, 1)

    def noisy(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """(1 - sigma) clean + sigma noise."""
        sigmas = self.sigmas(levels)
        return (1 - sigmas) * clean + sigmas * noise

    def estimate(self, output: Tensor, noisy: Tensor, levels: Tensor) -> Tensor:
        """The velocity, or the clean latents that it leads to."""
        return noisy - self.sigmas(levels) * output.float() if self.preconditioned else output.float()

    def target(self, clean: Tensor, noise: Tensor, levels: Tensor) -> Tensor:
        """noise - clean, or clean."""
        return (clean if self.preconditioned else noise - clean).float()
