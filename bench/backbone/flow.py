"""What the rectified-flow transformers share."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from torch import Tensor

from cbench.backbone.family import Family
from cbench.backbone.noising import FlowNoising, Noising


class FlowFamily(Family):
    """A transformer that was trained on a rectified flow."""

    component = "transformer"

    def __init__(self, pipeline: Any, resolution: int) -> None:
        super().__init__(pipeline, resolution)
        self._positions: dict[tuple[Any, ...], Tensor] = {}

    def positions(self, *key: Any, make: Callable[[], Tensor]) -> Tensor:
        """Position ids, made once for each key: a GPU would wait for their copy at every step."""
        if key not in self._positions:
            self._positions[key] = make()
        return self._positions[key]

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
