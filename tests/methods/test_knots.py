"""The shared space loses nothing: against the dense decomposition."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.methods.knots import shared_space
from cbench.methods.ties import least_kept, ties
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def dense_space(trained, name):
    """U of the products beside one another."""
    U, S, _ = torch.linalg.svd(
        torch.cat([product(a)[name] for a in trained], dim=1).double(), full_matrices=False
    )
    return U[:, 1e-5 * S[0] < S]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_the_space_is_that_of_the_dense_products_and_contains_them(count, seed):
    trained = algebra.adapters(count, seed=seed)
    for name in algebra.SHAPES:
        U, dense = shared_space([a[name] for a in trained]), dense_space(trained, name)
        assert U.shape == dense.shape
        torch.testing.assert_close(
            (U.T.double() @ dense).abs(), torch.eye(len(U.T)).double(), atol=1e-2, rtol=0
        )
        for adapter in trained:
            torch.testing.assert_close(
                U @ U.T @ product(adapter)[name], product(adapter)[name], atol=1e-4, rtol=1e-4
            )


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_the_definition_over_dense_products(count, seed):
    trained = algebra.adapters(count, seed=seed)
    spaces = {n: dense_space(trained, n).float() for n in algebra.SHAPES}
    aligned = [{n: U.T @ product(a)[n] for n, U in spaces.items()} for a in trained]
    merged = ties(aligned, [least_kept(update, 0.2) for update in aligned])
    expected = {n: 0.6 * U @ merged[n] for n, U in spaces.items()}
    algebra.close(algebra.model(make_method("knots", {}), trained), expected, atol=1e-3)


def test_one_adapter_untrimmed_is_itself():
    first = algebra.adapters(1)
    method = make_method("knots", {"density": "1", "scale": "1"})
    algebra.close(algebra.model(method, first), product(first[0]))
