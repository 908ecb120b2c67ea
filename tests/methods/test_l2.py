"""L2 regularisation against its definition, written out over dense matrices."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.l2 import L2, squared_distance
from cbench.plugins.methods import make_method
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)


def factors(columns, rows):
    return Factors(torch.tensor([rows]), torch.tensor([columns])[0][:, None])


def drawn(seed, d_out=3, d_in=4, rank=2):
    draws = torch.Generator().manual_seed(seed)
    return Factors(torch.randn(rank, d_in, generator=draws), torch.randn(d_out, rank, generator=draws))


def test_the_sheets_example():
    now, last = factors([1.0, 2.0], [1.0, 0.0]), factors([0.0, 1.0], [1.0, 1.0])
    assert squared_distance(now, last) == 3
    assert L2(2.0).penalty(Memory(adapter={"a": last}), {"a": now}) == 6


@QUICK
@given(seed=st.integers(0, 10**6), d_out=st.integers(1, 5), d_in=st.integers(1, 5), rank=st.integers(1, 3))
def test_it_is_the_dense_distance(seed, d_out, d_in, rank):
    now, last = drawn(seed, d_out, d_in, rank), drawn(seed + 1, d_out, d_in, rank)
    dense = (now.B @ now.A - last.B @ last.A).square().sum()
    torch.testing.assert_close(squared_distance(now, last), dense, rtol=1e-4, atol=1e-4)


@QUICK
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3))
def test_value_and_gradient_are_zero_at_the_last_adapter(seed, scale):
    last = {"a": Factors(*(scale * t for t in drawn(seed))), "b": drawn(seed + 1)}
    live = {n: Factors(*(t.clone().requires_grad_() for t in f)) for n, f in last.items()}
    term = L2(1.0).penalty(Memory(adapter=last), live)
    term.backward()
    assert term == 0 and all(not t.grad.any() for f in live.values() for t in f)


@QUICK
@given(seed=st.integers(0, 10**6))
def test_factors_of_one_product_cost_nothing(seed):
    """The update is held, not its factors: (B S, S^-1 A) is as good as (B, A)."""
    last, turn = drawn(seed), torch.linalg.qr(drawn(seed + 1, 2, 2).A)[0]
    turned = Factors(turn.T @ last.A, last.B @ turn)
    assert squared_distance(turned, last).abs() < 1e-4


def test_a_first_task_or_no_strength_has_no_penalty():
    fresh = gaussian({"a": (3, 4)}, 2, 0)
    assert L2().penalty(Memory(), fresh) is None
    assert L2(0.0).penalty(Memory(adapter=fresh), fresh) is None


def test_options_have_bounds():
    with pytest.raises(BadInput, match=r"option lam='-1' of l2: Input should be"):
        make_method("l2", {"lam": "-1"})
