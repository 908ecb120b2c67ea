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


def test_one_kernel_for_all_factors_gives_the_bits_of_a_loop():
    def after(make):
        draws = torch.Generator().manual_seed(0)
        factors = [torch.nn.Parameter(torch.randn(shape, generator=draws)) for shape in [(2, 8), (8, 2)] * 3]
        optimizer = make(factors)
        for _ in range(5):
            for factor in factors:
                factor.grad = torch.randn(factor.shape, generator=draws)
            optimizer.step()
        return factors

    settings = NUMBERS.model_copy(update={"learning_rate": 0.01, "weight_decay": 0.01})
    one = after(lambda factors: make_optimizer(factors, settings, "cpu"))
    loop = after(lambda factors: torch.optim.AdamW(factors, lr=0.01, weight_decay=0.01, foreach=False))
    assert all(torch.equal(a, b) for a, b in zip(one, loop, strict=True))
