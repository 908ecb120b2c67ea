"""A scaled sum of task vectors."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.plugins.methods import make_method

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), algebra.SEEDS, st.floats(0.1, 3))
def test_linear_in_the_scale(count, seed, scale):
    trained = algebra.adapters(count, seed=seed)
    expected = {n: scale * sum(a[n].B @ a[n].A for a in trained) for n in algebra.SHAPES}
    algebra.close(algebra.model(make_method("task_arithmetic", {"scale": str(scale)}), trained), expected)


def test_with_scale_one_the_first_model_is_that_of_merge_init():
    first = algebra.adapters(1)
    method = make_method("task_arithmetic", {"scale": "1"})
    algebra.close(algebra.model(method, first), algebra.model(make_method("merge_init", {}), first), atol=0)


def test_the_memory_is_the_unscaled_sum():
    trained = algebra.adapters(2)
    memory = algebra.after(make_method("task_arithmetic", {}), trained)
    algebra.close(memory.update, algebra.model(make_method("merge_init", {}), trained), atol=0)
