"""Singular vectors of updates and of stacked factors, in float64 on the CPU.

A sum of t products of rank r has rank t r at most, and its singular vectors come from matrices of that size.
What sums in fp32 leave beyond the rank is rounding noise, about 1e-7 of the largest singular value: only
values above 1e-5 of it count (the numerical rank)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cbench.update import Factors, generator

if TYPE_CHECKING:
    from torch import Tensor

NOISE = 1e-5
"""Share of the largest singular value below which one is rounding noise of sums in fp32."""
SPARE = 64
"""Columns of a sketch beyond the rank: rounding noise then moves it by about 1e-6 of the largest singular
value (Halko et al. 2011, arXiv 0909.4061, theorem 10.6)."""


class Svd(NamedTuple):
    """U diag(S) V^T over the numerical rank k, in float64."""

    U: "Tensor"
    """d_out x k, orthonormal columns."""
    S: "Tensor"
    """k values, falling."""
    Vh: "Tensor"
    """k x d_in, orthonormal rows."""


def svd(matrix: "Tensor") -> Svd:
    """The singular value decomposition over the numerical rank, by eigenvectors of the smaller Gram matrix.

    That takes a third of the time of a general one; a value S is off by 1e-16 S_1^2 / S, which is 1e-11 S_1
    at the edge of the numerical rank."""
    import torch

    X = matrix.double().cpu()
    if X.shape[0] > X.shape[1]:
        U, S, Vh = svd(X.T)
        return Svd(Vh.T, S, U.T)
    squares, vectors = torch.linalg.eigh(X @ X.T)
    S, U = squares.flip(0).clamp(min=0).sqrt(), vectors.flip(1)
    rank = int((NOISE * S[:1] < S).sum())
    S, U = S[:rank], U[:, :rank]
    return Svd(U, S, (U.T @ X) / S[:, None])


def svd_of_rank(matrix: "Tensor", rank: int) -> Svd:
    """The decomposition of a matrix that has at most this rank, up to rounding: within the space that a few
    more random combinations of its columns span (Halko et al. 2011)."""
    import torch

    X, columns = matrix.double().cpu(), rank + SPARE
    if columns >= min(X.shape):
        return svd(X)
    draws = torch.randn(X.shape[1], columns, dtype=torch.float64, generator=generator("sketch", *X.shape))
    space = torch.linalg.qr(X @ draws).Q
    U, S, Vh = svd(space.T @ X)
    return Svd(space @ U, S, Vh)


def svd_of_product(factors: Factors) -> Svd:
    """The decomposition of B A through the r x r product of both factors' triangles."""
    import torch

    left, upper = torch.linalg.qr(factors.B.double().cpu())
    right, lower = torch.linalg.qr(factors.A.double().cpu().T)
    U, S, Vh = svd(upper @ lower.T)
    return Svd(left @ U, S, Vh @ right.T)


def polar(columns: "Tensor") -> "Tensor":
    """The nearest matrix with orthonormal columns, in the directions that the columns span: U V^T."""
    U, _, Vh = svd(columns)
    return U @ Vh


def basis(blocks: Sequence["Tensor"]) -> "Tensor":
    """d x k: the left singular vectors of matrices of d rows beside one another."""
    import torch

    return svd(torch.cat([block.double().cpu() for block in blocks], dim=1)).U
