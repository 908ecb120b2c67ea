"""A loss that is no number is named with its step: on a CPU at once, on a GPU (torch's device without data
stands for it) in time."""

import pytest
import torch

from cbench.stages.finite_loss import NotANumber, Watch

CPU = torch.device("cpu")


def seen(watch: Watch, losses: list[float]) -> int:
    """How many losses were noted until it spoke."""
    for step, loss in enumerate(losses):
        try:
            watch.see(torch.tensor([loss], requires_grad=True), step)
        except NotANumber as error:
            assert "the loss is inf at step 3;" in str(error)
            return step + 1
    return 0


@pytest.mark.parametrize("every, steps, spoke", [(1, 60, 4), (25, 60, 25), (25, 10, 10), (2, 60, 4)])
def test_names_the_step_where_it_began(every, steps, spoke):
    watch = Watch(CPU, steps)
    watch.every = every
    assert seen(watch, [1.0, 2.0, 3.0, float("inf"), *[float("nan")] * (steps - 4)]) == spoke


def test_a_loss_that_recovers_is_no_number_either():
    watch = Watch(CPU, 10)
    watch.every = 25
    assert seen(watch, [1.0, 2.0, 3.0, float("inf"), *[1.0] * 6]) == 10


def test_finite_losses_pass_and_only_a_gpu_is_asked_seldom():
    assert not seen(Watch(CPU, 30), [1.0] * 30)
    assert Watch(CPU, 30).every == 1 and Watch(torch.device("meta"), 30).every == 25
