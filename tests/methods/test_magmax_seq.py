"""The largest entries along one adapter's way."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.method import Memory
from cbench.plugins.methods import make_method
from cbench.update import gaussian, product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    trained = [algebra.of((1, -3), (2, 0)), algebra.of((-1, 2), (-2.5, 0.5))]
    method = make_method("magmax_seq", {"scale": "1"})
    algebra.close(algebra.model(method, trained), {"a": [[-1, -3], [-2.5, 0.5]]})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), algebra.SEEDS)
def test_every_entry_is_half_of_the_largest_that_the_adapter_had(count, seed):
    trained = algebra.adapters(count, seed=seed)
    merged = algebra.model(make_method("magmax_seq", {}), trained)
    for name in algebra.SHAPES:
        changes = torch.stack([product(adapter)[name] for adapter in trained])
        largest = changes.gather(0, changes.abs().argmax(0, keepdim=True))[0]
        torch.testing.assert_close(merged[name], largest / 2)


def test_trains_as_naive_does():
    method, trained = make_method("magmax_seq", {}), algebra.adapters(2)
    memory, fresh = algebra.after(method, trained), gaussian(algebra.SHAPES, 2, 0)
    assert method.frozen(memory) == {} and method.start(memory, fresh) is trained[1]
    assert method.start(Memory(), fresh) is fresh
