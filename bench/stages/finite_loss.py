"""Sees that a loss is no longer a number, without making a GPU wait for the answer at every step."""

import torch
from torch import Tensor

from cbench.errors import CbenchError


class NotANumber(CbenchError):
    """The loss is NaN or infinite: nothing is kept of the task."""


class Watch:
    """Notes of a training's losses, on its device; a GPU is asked for them every 25 steps and after the last
    one."""

    def __init__(self, device: torch.device, steps: int) -> None:
        self.steps, self.every = steps, 1 if device.type == "cpu" else 25
        self.fine = torch.ones((), dtype=torch.bool, device=device)
        self.good = torch.zeros((), dtype=torch.long, device=device)
        """Steps before the first loss that is no number."""
        self.loss = torch.zeros((), device=device)
        """That loss, or the last one."""

    def see(self, loss: Tensor, step: int) -> None:
        """Record the loss of a step; NotANumber names the step at which it ceased to be finite."""
        seen = loss.detach().reshape(())
        self.loss = torch.where(self.fine, seen, self.loss)
        self.fine = self.fine & torch.isfinite(seen)
        self.good += self.fine
        if ((step + 1) % self.every == 0 or step + 1 == self.steps) and not self.fine:
            raise NotANumber(
                f"the loss is {self.loss.item()} at step {self.good.item()}; nothing of this task is kept "
                "(lower the learning rate?)"
            )
