"""The optimizer of a training."""

import pytest
import torch

from cbench.stages.optimizer import make_optimizer
from cbench.track import Training

NUMBERS = Training(rank=2, steps=3, batch=2, learning_rate=0.01, weight_decay=0.5, max_grad_norm=1.0)


@pytest.mark.parametrize("device, fused", [("cpu", False), ("cuda", True), ("cuda:1", True)])
def test_only_a_gpu_takes_all_factors_at_once(device, fused):
    made = make_optimizer([torch.zeros(2, requires_grad=True)], NUMBERS, device)
    assert bool(made.defaults["fused"]) is fused
    assert (made.defaults["lr"], made.defaults["weight_decay"]) == (0.01, 0.5)
