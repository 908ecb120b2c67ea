"""Random sparsity that keeps the mean."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.methods.dare import dropped
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_without_drops_it_is_task_arithmetic():
    trained = algebra.adapters(3)
    expected = algebra.model(make_method("task_arithmetic", {}), trained)
    algebra.close(algebra.model(make_method("dare", {"drop": "0"}), trained), expected)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 0.95), algebra.SEEDS)
def test_entries_are_zero_or_rescaled_and_a_share_is_left(drop, seed):
    change = torch.randn(200, 300, generator=torch.Generator().manual_seed(seed))
    sparse = dropped({"a": change}, drop, seed, 0)["a"]
    left = sparse != 0
    torch.testing.assert_close(sparse[left], (change / (1 - drop))[left])
    assert abs(left.float().mean() - (1 - drop)) < 0.02, "ten standard deviations"


def test_the_mean_over_seeds_is_the_update():
    """Within six standard deviations: a draw's is the entry itself."""
    change = product(algebra.adapters(1)[0])
    draws = [dropped(change, 0.5, seed, 0) for seed in range(2000)]
    for name in change:
        mean = torch.stack([draw[name] for draw in draws]).mean(0)
        torch.testing.assert_close(mean, change[name], atol=0, rtol=6 / len(draws) ** 0.5)


def test_masks_differ_by_task_layer_and_seed_alone():
    ones = {"a": torch.ones(20, 20), "b": torch.ones(20, 20)}
    first = dropped(ones, 0.5, 3, 1)
    assert torch.equal(first["a"], dropped(ones, 0.5, 3, 1)["a"])
    for other in (first["b"], dropped(ones, 0.5, 3, 2)["a"], dropped(ones, 0.5, 4, 1)["a"]):
        assert not torch.equal(first["a"], other)


def test_the_task_and_the_runs_seed_choose_the_mask():
    same = algebra.adapters(1) * 2
    one, two = (algebra.after(make_method("dare", {}), same[:n]).update["b"] for n in (1, 2))
    assert not torch.allclose(two, 2 * one)
    assert not torch.equal(one, algebra.after(make_method("dare", {}), same[:1], seed=5).update["b"])
