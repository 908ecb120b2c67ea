"""All adapters in one merger."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.methods.ties import least_kept, ties
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


@settings(max_examples=20, deadline=None)
@given(algebra.SEEDS, st.integers(1, 2), st.floats(0.05, 1))
def test_two_tasks_at_most_are_merged_as_in_the_running_form(seed, count, density):
    trained, options = algebra.adapters(count, seed=seed), {"density": str(density)}
    running = algebra.model(make_method("ties", options), trained)
    algebra.close(algebra.model(make_method("ties_all", options), trained), running)


@settings(max_examples=20, deadline=None)
@given(algebra.SEEDS, st.integers(1, 5))
def test_one_merger_of_all_products(seed, count):
    updates = [product(adapter) for adapter in algebra.adapters(count, seed=seed)]
    expected = ties(updates, [least_kept(update, 0.2) for update in updates])
    merged = algebra.model(make_method("ties_all", {"scale": "1"}), algebra.adapters(count, seed=seed))
    algebra.close(merged, expected)


@settings(max_examples=20, deadline=None)
@given(algebra.SEEDS, st.permutations(range(4)))
def test_the_order_of_the_tasks_does_not_matter(seed, order):
    trained, method = algebra.adapters(4, seed=seed), make_method("ties_all", {})
    algebra.close(algebra.model(method, [trained[i] for i in order]), algebra.model(method, trained))
