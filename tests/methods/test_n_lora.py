"""N-LoRA against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.n_lora import NLora
from cbench.plugins.methods import make_method
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)


@QUICK
@given(seed=st.integers(0, 10**6), lam=st.floats(1e-3, 1e3))
def test_it_is_the_sum_of_magnitudes_of_all_layers(seed, lam):
    draws = torch.Generator().manual_seed(seed)
    adapter = {
        n: Factors(torch.randn(2, 4, generator=draws), torch.randn(3, 2, generator=draws)) for n in ("a", "b")
    }
    dense = sum((f.B @ f.A).abs().sum() for f in adapter.values())
    torch.testing.assert_close(NLora(lam).penalty(Memory(), adapter), lam * dense)


def test_a_plain_example():
    adapter = {"a": Factors(torch.tensor([[1.0, -2.0]]), torch.tensor([[3.0], [-1.0]]))}
    assert NLora(0.5).penalty(Memory(), adapter) == 0.5 * (3 + 6 + 1 + 2)


def test_without_strength_there_is_no_penalty():
    assert NLora(0.0).penalty(Memory(), gaussian({"a": (3, 4)}, 2, 0)) is None


def test_options_have_bounds():
    with pytest.raises(BadInput, match=r"option lam='-1' of n_lora: Input should be"):
        make_method("n_lora", {"lam": "-1"})
