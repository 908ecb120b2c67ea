"""Orthogonalised singular vectors: against dense decompositions."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.plugins.methods import make_method
from cbench.update import Factors, product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))

RANK_ONE = torch.full((2, 2), 0.5)
"""v v^T for v = (1, 1) / sqrt 2."""


@pytest.mark.parametrize(
    "sizes, expected", [((2, 2), [[2, 0], [0, 2]]), ((3, 1), [[2.7071, -0.7071], [-0.7071, 1.2929]])]
)
def test_example(sizes, expected):
    trained = [algebra.of((sizes[0], 0), (0, 0)), algebra.of(*(sizes[1] * RANK_ONE).tolist())]
    algebra.close(algebra.model(make_method("tsv_m", {}), trained), {"a": expected})


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_equal_adapters_give_that_adapter(count, seed):
    trained = algebra.adapters(1, seed=seed, shapes={"a": (12, 9)}) * count
    algebra.close(algebra.model(make_method("tsv_m", {}), trained), product(trained[0]))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_orthogonal_tasks_are_summed(count, seed):
    draws = torch.Generator().manual_seed(seed)
    left, right = (torch.linalg.qr(torch.randn(12, 12, generator=draws)).Q for _ in range(2))
    trained = [
        {"a": Factors(right[2 * i : 2 * i + 2], left[:, 2 * i : 2 * i + 2] * torch.tensor([3.0, 2.0]))}
        for i in range(count)
    ]
    expected = {"a": sum(product(adapter)["a"] for adapter in trained)}
    algebra.close(algebra.model(make_method("tsv_m", {}), trained), expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS)
def test_the_definition_over_dense_products(count, seed):
    """Also where t r exceeds the layer's size, so that triplets are left out."""
    trained = algebra.adapters(count, seed=seed)
    merged = algebra.model(make_method("tsv_m", {}), trained)
    for name, shape in algebra.SHAPES.items():
        k = min(2, max(1, min(shape) // count))
        parts = [torch.linalg.svd(product(a)[name].double(), full_matrices=False) for a in trained]
        U, S, V = (
            torch.cat([part[i][..., :k] if i < 2 else part[i][:k].T for part in parts], dim=-1)
            for i in range(3)
        )
        (a, _, b), (c, _, d) = (torch.linalg.svd(X, full_matrices=False) for X in (U, V))
        expected = (a @ b) @ S.diag() @ (c @ d).T
        torch.testing.assert_close(merged[name], expected.float(), atol=1e-3, rtol=1e-3)


def test_an_untrained_task_adds_nothing():
    trained = algebra.adapters(2)
    trained[0] = {n: Factors(f.A, 0 * f.B) for n, f in trained[0].items()}
    whole = algebra.adapters(2, seed=4, shapes={"a": (12, 9)})
    whole[0] = {n: Factors(f.A, 0 * f.B) for n, f in whole[0].items()}
    algebra.close(algebra.model(make_method("tsv_m", {}), whole), product(whole[1]))
    assert all(u.isfinite().all() for u in algebra.model(make_method("tsv_m", {}), trained).values())
