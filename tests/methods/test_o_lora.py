"""O-LoRA against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.o_lora import OLora
from cbench.plugins.methods import make_method
from cbench.task import Example, Task
from cbench.update import Factors, gaussian, product

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))
SHAPES = {"a": (3, 4), "b": (5, 6)}


def drawn(seed):
    draws = torch.Generator().manual_seed(seed)
    return {
        n: Factors(torch.randn(2, d_in, generator=draws), torch.randn(d_out, 2, generator=draws))
        for n, (d_out, d_in) in SHAPES.items()
    }


def after(method, count):
    memory = Memory()
    for seed in range(count):
        memory = method.keep(memory, drawn(seed), TASK)
    return memory


def test_the_sheets_example():
    one, two = ({"a": Factors(torch.tensor([row]), torch.ones(1, 1))} for row in ([1.0, 0.0], [0.6, 0.8]))
    memory = OLora().keep(Memory(), one, TASK)
    torch.testing.assert_close(OLora(l1=0.5).penalty(memory, two), torch.tensor(0.3))
    across = {"a": Factors(torch.tensor([[0.0, 5.0]]), torch.ones(1, 1))}
    assert OLora().penalty(memory, across) == 0, "orthogonal rows"


@QUICK
@given(count=st.integers(1, 4), l1=st.floats(0, 5), l2=st.floats(0, 1), side=st.sampled_from("AB"))
def test_it_is_the_sum_over_tasks_layers_and_entries(count, l1, l2, side):
    method, new = OLora(l1, l2, side), drawn(9)
    expected = 0.0
    for name, (A, B) in new.items():
        expected += l2 * (A.norm() + B.norm())
        for seed in range(count):
            old = drawn(seed)[name]
            overlap = old.A @ A.T if side == "A" else old.B.T @ B
            expected += l1 * overlap.abs().sum()
    term = method.penalty(after(method, count), new)
    if l1 or l2:
        torch.testing.assert_close(term, torch.as_tensor(expected), rtol=1e-4, atol=1e-4)
    else:
        assert term is None


@QUICK
@given(count=st.integers(1, 4), side=st.sampled_from("AB"))
def test_the_model_is_the_sum_and_the_factors_are_stacked(count, side):
    memory = after(OLora(side=side), count)
    for name, (d_out, d_in) in SHAPES.items():
        dense = sum(product(drawn(seed))[name] for seed in range(count))
        torch.testing.assert_close(memory.update[name], dense)
        assert memory.extra[name].shape == (2 * count, d_in if side == "A" else d_out)


def test_at_the_start_b_has_no_gradient_of_the_overlap():
    live = {n: Factors(*(t.requires_grad_() for t in f)) for n, f in gaussian(SHAPES, 2, 3).items()}
    OLora().penalty(after(OLora(), 2), live).backward()
    assert all(f.A.grad.any() and f.B.grad is None for f in live.values())


def test_only_a_first_task_without_norms_has_no_penalty():
    fresh = gaussian(SHAPES, 2, 0)
    assert OLora().penalty(Memory(), fresh) is None
    assert OLora(0.0).penalty(after(OLora(), 1), fresh) is None
    assert OLora(l2=0.1).penalty(Memory(), fresh) > 0, "the norms count in the first task, too"


@pytest.mark.parametrize("options", [{"l1": "-1"}, {"l2": "inf"}, {"side": "C"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of o_lora: Input should be"):
        make_method("o_lora", options)
