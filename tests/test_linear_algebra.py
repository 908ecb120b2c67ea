"""Singular vectors of low-rank matrices, against torch's general decomposition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.linear_algebra import NOISE, basis, polar, svd, svd_of_product, svd_of_rank
from cbench.update import Factors

SEEDS, SIDES = st.integers(0, 10_000), st.integers(1, 12)


def normal(seed, *shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def agree(parts, matrix, atol=1e-9):
    """Whether the parts are a decomposition of the matrix with orthonormal vectors and falling values."""
    U, S, Vh = parts
    eye = torch.eye(len(S), dtype=torch.float64)
    torch.testing.assert_close((U * S) @ Vh, matrix.double(), atol=atol, rtol=0)
    torch.testing.assert_close(U.T @ U, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(Vh @ Vh.T, eye, atol=1e-5, rtol=0)
    assert (S.diff() <= 0).all() and U.dtype == torch.float64


@settings(max_examples=50, deadline=None)
@given(SEEDS, SIDES, SIDES)
def test_a_full_matrix(seed, d_out, d_in):
    matrix = normal(seed, d_out, d_in)
    parts = svd(matrix)
    agree(parts, matrix, atol=1e-3 * matrix.norm())  # a value below the numerical rank is left out
    general = torch.linalg.svdvals(matrix.double())
    general = general[general > NOISE * general[0]]
    assert len(parts.S) == len(general)
    torch.testing.assert_close(parts.S, general, atol=1e-9, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_the_rank_is_the_numerical_one(seed, rank):
    matrix = normal(seed, 20, rank) @ normal(seed + 1, rank, 30)
    parts = svd(matrix)
    assert len(parts.S) == rank
    agree(parts, matrix, atol=1e-4)


@pytest.mark.parametrize("shape", [(150, 200), (200, 150)])
@pytest.mark.parametrize("smallest", [1.0, 1e-2, 1e-4])
def test_a_known_rank_takes_a_sketch_that_is_as_good(shape, smallest):
    """Falling singular values, rounded to fp32 as an update is."""
    U, V = (torch.linalg.qr(normal(i, n, 20, dtype=torch.float64)).Q for i, n in enumerate(shape))
    S = torch.logspace(0, torch.tensor(smallest).log10().item(), 20, dtype=torch.float64)
    matrix = ((U * S) @ V.T).float()
    parts, general = svd_of_rank(matrix, 20), torch.linalg.svd(matrix.double(), full_matrices=False)
    assert len(parts.S) == 20
    agree(parts, matrix, atol=2e-6)
    torch.testing.assert_close(parts.S, general.S[:20], atol=1e-7, rtol=0)
    spaces = [p.Vh[:20].T @ p.Vh[:20] for p in (parts, general)]
    torch.testing.assert_close(*spaces, atol=5e-7 / smallest, rtol=0)


def test_a_sketch_is_the_same_at_every_call():
    matrix = normal(0, 150, 3) @ normal(1, 3, 160)
    assert all(torch.equal(a, b) for a, b in zip(svd_of_rank(matrix, 3), svd_of_rank(matrix, 3), strict=True))


def test_nothing_has_rank_zero():
    for parts in (svd(torch.zeros(3, 4)), svd_of_rank(torch.zeros(200, 200), 5)):
        assert len(parts.S) == 0 and (parts.U @ parts.Vh).abs().sum() == 0
    assert not polar(torch.zeros(4, 2)).any() and basis([torch.zeros(4, 2)]).shape == (4, 0)


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(3, 12), st.integers(3, 12), st.integers(1, 5))
def test_a_product_is_decomposed_by_its_factors(seed, d_out, d_in, rank):
    factors = Factors(normal(seed, rank, d_in), normal(seed + 1, d_out, rank))
    dense = factors.B.double() @ factors.A.double()
    agree(svd_of_product(factors), dense, atol=1e-3 * dense.norm())


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.integers(4, 12), st.integers(1, 4))
def test_polar_is_nearest_and_leaves_orthonormal_columns(seed, d, k):
    columns = normal(seed, d, k, dtype=torch.float64)
    nearest, exact = polar(columns), torch.linalg.qr(columns).Q
    torch.testing.assert_close(nearest.T @ nearest, torch.eye(k, dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(polar(exact), exact, atol=1e-9, rtol=0)
    assert (nearest - columns).norm() <= (exact - columns).norm() + 1e-9


def test_polar_invents_no_direction():
    column = torch.tensor([[3.0], [4.0]])
    torch.testing.assert_close(
        polar(torch.cat([column, column], 1)), torch.tensor([[0.6, 0.6], [0.8, 0.8]]).double() / 2**0.5
    )


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 4))
def test_a_basis_spans_all_blocks(seed, count):
    blocks = [normal(seed + i, 9, 2) for i in range(count)]
    U = basis(blocks)
    assert U.shape == (9, 2 * count)
    for block in blocks:
        torch.testing.assert_close(U @ (U.T @ block.double()), block.double(), atol=1e-5, rtol=0)
