"""Elastic weight consolidation against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.ewc import Ewc, divided_by_mean
from cbench.plugins.methods import make_method
from cbench.task import Example, Task
from cbench.update import Factors, flat, gaussian

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))
SHAPES = {"a": (3, 4), "b": (4, 2)}


def drawn(seed):
    draws = torch.Generator().manual_seed(seed)
    return {
        n: Factors(*(torch.randn(t.shape, generator=draws) for t in f))
        for n, f in gaussian(SHAPES, 2, 0).items()
    }


def after(method, fishers):
    """The memory after tasks with these Fisher diagonals."""
    memory = Memory()
    for seed, fisher in enumerate(fishers):
        memory = method.keep(memory, drawn(seed), TASK)
        memory = method.gather(memory, "fisher", fisher)
    return memory


def test_the_sheets_example():
    """Two entries: F = (2, 1), theta = (1, -1), theta* = (0, 1), lam = 1."""
    last = {"a": Factors(torch.tensor([[0.0]]), torch.tensor([[1.0]]))}
    now = {"a": Factors(torch.tensor([[1.0]]), torch.tensor([[-1.0]]))}
    fisher = {"a.lora_A.weight": torch.tensor([[2.0]]), "a.lora_B.weight": torch.tensor([[1.0]])}
    assert Ewc(lam=1.0).penalty(Memory(adapter=last, extra=fisher), now) == 3


@QUICK
@given(seed=st.integers(0, 10**6), lam=st.floats(1e-3, 1e6))
def test_value_and_gradient_are_zero_at_the_last_adapter(seed, lam):
    last = drawn(seed)
    memory = Memory(adapter=last, extra={n: t.abs() for n, t in flat(drawn(seed + 1)).items()})
    live = {n: Factors(*(t.clone().requires_grad_() for t in f)) for n, f in last.items()}
    term = Ewc(lam=lam).penalty(memory, live)
    term.backward()
    assert term == 0 and all(not t.grad.any() for f in live.values() for t in f)


@QUICK
@given(gamma=st.floats(0, 1), count=st.integers(1, 4))
def test_fisher_information_adds_up_and_fades(gamma, count):
    fishers = [{n: t.square() for n, t in flat(drawn(i)).items()} for i in range(count)]
    memory = after(Ewc(gamma=gamma), fishers)
    for name, kept in memory.extra.items():
        expected = sum(gamma ** (count - 1 - i) * fisher[name] for i, fisher in enumerate(fishers))
        torch.testing.assert_close(kept, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(dict(flat(memory.adapter)), dict(flat(drawn(count - 1))))


@QUICK
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-8, 1e8))
def test_over_its_mean_a_fisher_has_mean_one_whatever_its_scale(seed, scale):
    fisher = {n: scale * t.square() for n, t in flat(drawn(seed)).items()}
    entries = torch.cat([t.flatten() for t in divided_by_mean(fisher).values()])
    torch.testing.assert_close(entries.mean(), torch.tensor(1.0))
    kept = Ewc(over_mean=True).gather(Memory(), "fisher", fisher).extra
    torch.testing.assert_close(dict(kept), divided_by_mean(fisher))


def test_a_fisher_of_zeros_stays():
    assert not divided_by_mean({"a": torch.zeros(2)})["a"].any()


def test_a_first_task_or_no_strength_has_no_penalty():
    assert Ewc().penalty(Memory(), drawn(0)) is None
    assert Ewc(lam=0.0).penalty(after(Ewc(), [flat(drawn(0))]), drawn(1)) is None


@pytest.mark.parametrize("options", [{"lam": "-1"}, {"gamma": "1.5"}, {"draws": "0"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of ewc: Input should be"):
        make_method("ewc", options)
