"""Orthogonal starts, and what is summed."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cbench.errors import BadInput
from cbench.methods.ortho_init import orthogonal
from cbench.plugins.methods import make_method
from cbench.update import gaussian

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


@pytest.mark.parametrize("summed", ["products", "factors"])
def test_ortho_init_starts_orthogonal(summed):
    method, trained = make_method("ortho_init", {"sum": summed}), algebra.adapters(3)
    memory = algebra.after(method, trained)
    start = method.start(memory, gaussian(algebra.SHAPES, 2, 0))
    for name in algebra.SHAPES:
        earlier = sum(a[name].A for a in trained)
        torch.testing.assert_close(
            (earlier * start[name].A).sum(0), torch.zeros(algebra.SHAPES[name][1]), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(start[name].A.norm(dim=0), torch.ones(algebra.SHAPES[name][1]))
        assert not start[name].B.any()


def test_ortho_init_sums_products_and_only_sums_of_factors_have_cross_terms():
    trained = algebra.adapters(2)
    products, factors = (
        algebra.after(make_method("ortho_init", options), trained) for options in ({}, {"sum": "factors"})
    )
    for name in algebra.SHAPES:
        (a1, b1), (a2, b2) = trained[0][name], trained[1][name]
        torch.testing.assert_close(products.update[name], b1 @ a1 + b2 @ a2)
        torch.testing.assert_close(factors.update[name], (b1 + b2) @ (a1 + a2))


def test_the_start_of_ortho_init_is_nearly_rank_one_and_long():
    """At the study's rank of 64: what its documentation says of it."""
    fresh = gaussian({"a": (8, 640)}, 64, 0)["a"].A
    start = orthogonal(fresh)
    energy = torch.linalg.svdvals(start).square()
    assert 0.96 < energy[0] / energy.sum() < 0.98
    assert 7.5 < start.norm() / fresh.norm() < 8.5


def test_ortho_init_refuses_rank_one():
    with pytest.raises(BadInput, match="rank of at least 2"):
        orthogonal(torch.ones(1, 4))


def test_orthogonal_is_the_last_right_singular_vector():
    earlier = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    for column in range(3):
        _, _, vh = torch.linalg.svd(earlier[:, column][None], full_matrices=True)
        torch.testing.assert_close(orthogonal(earlier)[:, column].abs(), vh[-1].abs())
