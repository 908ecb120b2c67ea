"""The core matrices lose nothing: against dense decompositions."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cbench.linear_algebra import basis
from cbench.methods.ties import least_kept, ties
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), algebra.SEEDS)
def test_one_adapter_of_many_goes_there_and_back(count, seed):
    """Also where t r exceeds the layer's size."""
    trained = algebra.adapters(count, seed=seed)
    for name in algebra.SHAPES:
        U, V = basis([a[name].B for a in trained]), basis([a[name].A.T for a in trained])
        for adapter in trained:
            change = product(adapter)[name].double()
            torch.testing.assert_close(U @ (U.T @ change @ V) @ V.T, change, atol=1e-5, rtol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_the_definition_over_dense_products(count, seed):
    trained = algebra.adapters(count, seed=seed)
    merged = algebra.model(make_method("core_space", {"scale": "1"}), trained)
    for name in algebra.SHAPES:
        B, A = torch.cat([a[name].B for a in trained], dim=1), torch.cat([a[name].A for a in trained])
        assume(max(torch.linalg.cond(B), torch.linalg.cond(A)) < 1e4)  # else a direction is no longer counted
        U, V = torch.linalg.svd(B, full_matrices=False).U, torch.linalg.svd(A, full_matrices=False).Vh.T
        cores = [{"a": U.T @ product(a)[name] @ V} for a in trained]
        expected = U @ ties(cores, [least_kept(core, 0.2) for core in cores])["a"] @ V.T
        torch.testing.assert_close(merged[name], expected, atol=1e-3, rtol=1e-3)


def test_one_adapter_untrimmed_is_itself():
    first = algebra.adapters(1)
    method = make_method("core_space", {"density": "1", "scale": "1"})
    algebra.close(algebra.model(method, first), product(first[0]))
