"""Subspaces that layers read, from the second moments of their inputs: float64 on the CPU, in and out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

RANK = 1e-5
"""Share of the largest singular value below which one is rounding noise of sums in fp32."""


def once(measured: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The second moments with layers that are fed the same tensor under one key: their names, with spaces
    between."""
    layers: dict[int, list[str]] = {}
    for name, moments in measured.items():
        layers.setdefault(id(moments), []).append(name)
    return {" ".join(sorted(names)): measured[names[0]] for names in layers.values()}


def by_layer(shared: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """The inverse of `once`: layer -> its tensor."""
    return {layer: tensor for names, tensor in shared.items() for layer in names.split(" ")}


def spectrum(symmetric: "Tensor") -> "tuple[Tensor, Tensor]":
    """Eigenvalues in falling order, none below 0, and the eigenvectors as columns, of a symmetric d x d
    matrix.

    Of X X^T: the squared singular values of X and its left singular vectors."""
    import torch

    values, vectors = torch.linalg.eigh((symmetric + symmetric.T) / 2)
    return values.flip(0).clamp(min=0), vectors.flip(1)


def joining(shares: "Tensor", explained: float, threshold: float, first: bool) -> int:
    """How many directions, of falling shares of the energy, join a basis that explains a share already.

    Each joins while the share before it is below the threshold. For the first basis the authors' code (GPM,
    InfLoRA) counts the cumulative shares below the threshold: one direction fewer."""
    reached = explained + shares.cumsum(0)
    return int((reached < threshold).sum() if first else (reached - shares < threshold).sum())
