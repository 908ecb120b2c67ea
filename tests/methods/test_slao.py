"""One LoRA: orthonormal starts, B averaged over time."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.method import Memory
from cbench.methods.slao import orthonormal
from cbench.plugins.methods import make_method
from cbench.update import Factors, gaussian

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    torch.testing.assert_close(orthonormal(torch.tensor([[3.0, 4.0]])), torch.tensor([[0.6, 0.8]]))
    one, two = (
        Factors(torch.tensor([[1.0, 0.0]]), torch.tensor(B)) for B in ([[1.0], [2.0]], [[3.0], [0.0]])
    )
    merged = algebra.model(make_method("slao", {}), [{"a": one}, {"a": two}])
    algebra.close(merged, {"a": [[2.4142, 0], [0.5858, 0]]})


@settings(max_examples=30, deadline=None)
@given(algebra.SEEDS)
def test_the_start_has_orthonormal_rows_in_the_span_of_the_last_ones(seed):
    A = algebra.adapters(1, seed=seed)[0]["b"].A
    start = orthonormal(A)
    torch.testing.assert_close(start @ start.T, torch.eye(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(A @ start.T @ start, A, atol=1e-4, rtol=1e-4)
    assert ((A @ start.T).diagonal() > 0).all(), "each row keeps its side, whatever sign LAPACK gives"


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS)
def test_the_definition_with_the_merged_factor_kept(count, seed):
    trained = algebra.adapters(count, seed=seed)
    merged = {n: f.B for n, f in trained[0].items()}
    for number, adapter in enumerate(trained[1:], 2):
        merged = {n: B + (adapter[n].B - B) / number**0.5 for n, B in merged.items()}
    expected = {n: merged[n] @ trained[-1][n].A for n in merged}
    algebra.close(algebra.model(make_method("slao", {}), trained), expected, atol=1e-3)


def test_starts_fresh_then_from_the_last_adapter_on_the_base_model():
    method, trained, fresh = make_method("slao", {}), algebra.adapters(2), gaussian(algebra.SHAPES, 2, 0)
    assert method.start(Memory(), fresh) is fresh
    memory = algebra.after(method, trained)
    start = method.start(memory, fresh)
    assert method.frozen(memory) == {}
    for name in algebra.SHAPES:
        torch.testing.assert_close(start[name].A, orthonormal(trained[1][name].A))
        assert start[name].B is trained[1][name].B
