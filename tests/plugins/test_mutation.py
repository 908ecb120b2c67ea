"""Writes into tensors that were handed over are seen, however they are made."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.plugins.mutation import assert_unmodified, fingerprint

DTYPES = (torch.float32, torch.float64, torch.int64, torch.float16, torch.bool)


def some(dtype, rows=12, columns=40):
    return torch.from_numpy(np.random.default_rng(0).integers(1, 99, (rows, columns))).to(dtype)


@given(dtype=st.sampled_from(DTYPES), at=st.integers(0, 12 * 40 - 1), cut=st.integers(0, 3))
def test_one_number_written_through_numpy_is_seen(dtype, at, cut):
    handed = some(dtype)[:, cut:]
    before = fingerprint((handed,))
    array = handed.numpy()
    place = np.unravel_index(at % array.size, array.shape)
    array[place] = not array[place] if dtype == torch.bool else array[place] + 1
    assert fingerprint((handed,)) != before


@pytest.mark.parametrize(
    "change", [np.negative, np.flip, lambda a: np.roll(a, 1), lambda a: a * 2, np.zeros_like]
)
@pytest.mark.parametrize("side", [4, 64, 1024])
def test_all_numbers_written_through_numpy_are_seen(change, side):
    handed = torch.randn(side, side, generator=torch.Generator().manual_seed(0))
    before = fingerprint((handed,))
    handed.numpy()[:] = change(handed.numpy())
    assert fingerprint((handed,)) != before


@pytest.mark.parametrize(
    "act",
    [
        lambda held: held["a"].add_(0),
        lambda held: held.popitem(),
        lambda held: held.update(a=held["a"].clone()),
    ],
)
def test_writes_through_torch_and_into_the_mapping_are_seen_without_bits_too(act):
    held = {"a": torch.ones(3), "b": torch.ones(2)}
    with (
        pytest.raises(BadInput, match="package p modified tensors"),
        assert_unmodified("package p", (held, "text"), bits=False),
    ):
        act(held)


@given(dtype=st.sampled_from(DTYPES), rows=st.integers(0, 5), columns=st.integers(0, 9))
def test_who_only_looks_is_not_named(dtype, rows, columns):
    handed = {"a": some(dtype, rows, columns), "b": some(dtype, rows, columns).T}
    with assert_unmodified("package p", handed):
        [tensor.numpy().sum() for tensor in handed.values()]


@pytest.mark.parametrize(
    "strange", [torch.eye(3).to_sparse(), torch.empty(3, device="meta"), torch.ones(3, dtype=torch.complex64)]
)
def test_tensors_of_all_kinds_may_be_handed_over(strange):
    with assert_unmodified("package p", {"a": strange}):
        pass
