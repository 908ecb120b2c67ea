"""Projected and rescaled: against the definition with full bases."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cbench.methods.opcm import norm
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    trained = [algebra.of((2, 0), (0, 1)), algebra.of((1, 1), (1, 1))]
    memory = algebra.after(make_method("opcm", {}), trained)
    algebra.close(memory.update, {"a": [[1.6011, 0.8005], [0.8005, 0.8005]]})
    assert float(memory.extra["l"]) == pytest.approx(1.24915, abs=1e-5)
    assert float(memory.extra["mean norm"]) == pytest.approx(2.1180, abs=1e-4)
    assert norm(memory.update) == pytest.approx(2.1180, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS)
def test_the_norm_is_the_mean_of_the_tasks_norms(count, seed):
    trained = algebra.adapters(count, seed=seed)
    mean = sum(norm(product(adapter)) for adapter in trained) / count
    assert norm(algebra.model(make_method("opcm", {}), trained)) == pytest.approx(mean, rel=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS, st.floats(0.05, 0.95))
def test_at_full_rank_it_is_the_definition_with_full_bases(count, seed, alpha):
    trained = algebra.adapters(count, rank=5, seed=seed, shapes={"a": (5, 5)})
    tau, last, mean = trained[0]["a"].B @ trained[0]["a"].A, 1.0, 0.0
    mean = float(tau.norm())
    for count, adapter in enumerate(trained[1:], 2):
        new = adapter["a"].B @ adapter["a"].A
        U, S, Vh = torch.linalg.svd(tau.double())
        assume(S[-1] > 1e-4 * S[0])
        P = U.T @ new.double() @ Vh.T
        shares = (S / S.sum()).cumsum(0)
        k = int((shares > alpha).float().argmax()) if (shares > alpha).any() else len(S)
        P.fill_diagonal_(0)
        P[:k, :k] = 0
        mean = ((count - 1) * mean + float(new.norm())) / count
        summed = last * tau + (U @ P @ Vh).float()
        last = float(summed.norm()) / mean
        tau = summed / last
    algebra.close(algebra.model(make_method("opcm", {"alpha": str(alpha)}), trained), {"a": tau}, atol=1e-3)


def test_untrained_adapters_are_no_division_by_zero():
    zero = [algebra.of((0, 0), (0, 0))] * 2
    assert not algebra.model(make_method("opcm", {}), zero)["a"].any()
    assert algebra.model(make_method("opcm", {}), [zero[0], algebra.of((1, 0), (0, 1))])["a"].any()
