"""What the rectified-flow transformers share."""

from functools import cached_property
from typing import Any

from torch import Tensor

from cbench.backbone.family import Family
from cbench.backbone.noising import FlowNoising, Noising


class FlowFamily(Family):
    """A transformer that was trained on a rectified flow."""

    component = "transformer"

    @cached_property
    def noising(self) -> Noising:
        """The pipeline's own levels."""
        return FlowNoising(self.scheduler_config)

    def latents(self, posterior: Any) -> tuple[Tensor, Tensor]:
        """(z - shift) * scale."""
        config = self.pipeline.vae.config
        mean = (posterior.mean - config.shift_factor) * config.scaling_factor
        return mean.float(), (posterior.std * config.scaling_factor).float()

    @property
    def side(self) -> int:
        """Height and width of the autoencoder's latents."""
        return self.resolution // self.pipeline.vae_scale_factor
