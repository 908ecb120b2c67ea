"""C-LoRA against its definition, written out over dense matrices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.c_lora import CLora
from cbench.plugins.methods import make_method
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)


def factors(dense):
    """An adapter whose product is the matrix."""
    return {"a": Factors(dense, torch.eye(len(dense)))}


def test_the_sheets_example():
    memory = Memory(update={"a": torch.tensor([[1.0, -2.0], [0.0, 3.0]])})
    new = factors(torch.tensor([[0.5, 1.0], [2.0, -1.0]]))
    assert CLora(1.0).penalty(memory, new) == 13.25
    assert CLora(2.0).penalty(memory, new) == 26.5


@QUICK
@given(seed=st.integers(0, 10**6))
def test_the_sign_of_earlier_changes_is_idle(seed):
    earlier = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed))
    terms = [
        CLora(1.0).penalty(Memory(update={"a": u}), factors(torch.ones(3, 3)))
        for u in (earlier, earlier.abs())
    ]
    assert terms[0] == terms[1]


@QUICK
@given(seed=st.integers(0, 10**6))
def test_the_gradient_is_zero_at_the_start(seed):
    memory = Memory(update={"a": torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))})
    live = {n: Factors(*(t.requires_grad_() for t in f)) for n, f in gaussian({"a": (3, 4)}, 2, seed).items()}
    term = CLora().penalty(memory, live)
    term.backward()
    assert term == 0 and not live["a"].A.grad.any() and not live["a"].B.grad.any()


@QUICK
@given(used=st.sets(st.integers(0, 8)))
def test_entries_of_disjoint_supports_cost_nothing(used):
    mask = torch.tensor([float(i in used) for i in range(9)]).view(3, 3)
    assert CLora(1.0).penalty(Memory(update={"a": mask}), factors(1 - mask)) == 0
    assert CLora(1.0).penalty(Memory(update={"a": mask}), factors(mask)) == len(used)


def test_a_first_task_or_no_strength_has_no_penalty():
    fresh = gaussian({"a": (3, 4)}, 2, 0)
    assert CLora().penalty(Memory(), fresh) is None
    assert CLora(0.0).penalty(Memory(update={"a": torch.ones(3, 4)}), fresh) is None


def test_options_have_bounds():
    with pytest.raises(BadInput, match=r"option lam='-1' of c_lora: Input should be"):
        make_method("c_lora", {"lam": "-1"})
