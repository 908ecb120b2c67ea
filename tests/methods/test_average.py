"""Running averages against sums written out."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    trained = [algebra.of(row) for row in ((1, 0), (0, 2), (3, 3))]
    algebra.close(algebra.model(make_method("average", {}), trained), {"a": [[1.3333, 1.6667]]})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS)
def test_the_mean_of_all_products(count, seed):
    trained = algebra.adapters(count, seed=seed)
    expected = {n: sum(a[n].B @ a[n].A for a in trained) / count for n in algebra.SHAPES}
    algebra.close(algebra.model(make_method("average", {}), trained), expected)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS, st.sampled_from(["", "0.3"]))
def test_equal_adapters_give_that_adapter(count, seed, beta):
    trained = algebra.adapters(1, seed=seed) * count
    method = make_method("average", {"beta": beta} if beta else {})
    algebra.close(algebra.model(method, trained), product(trained[0]))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), algebra.SEEDS, st.sampled_from(["base", "merged"]), st.sampled_from([0.2, 1.0]))
def test_with_beta_it_is_a_moving_average_that_starts_with_the_first_task(count, seed, trained_on, beta):
    trained = algebra.adapters(count, seed=seed)
    method = make_method("average", {"trained_on": trained_on, "beta": str(beta)})
    expected = product(trained[0])
    for adapter in trained[1:]:
        for name, new in product(adapter).items():
            earlier = expected[name] * ((1 - beta) if trained_on == "base" else 1)
            expected[name] = earlier + beta * new
    algebra.close(algebra.model(method, trained), expected)


def test_trained_on_merged_it_moves_to_the_trained_model_by_one_over_t():
    """Qiu et al. 2025 with the identity for the Fisher matrix: the new model minimises the summed squared
    distance to the tasks' trained models."""
    method, trained = make_method("average", {"trained_on": "merged"}), algebra.adapters(4)
    optima = []
    for count in range(len(trained)):
        before = algebra.model(method, trained[:count]) if count else {n: 0 for n in algebra.SHAPES}
        optima.append({n: before[n] + u for n, u in product(trained[count]).items()})
    expected = {n: sum(optimum[n] for optimum in optima) / len(optima) for n in algebra.SHAPES}
    algebra.close(algebra.model(method, trained), expected)


def test_what_is_frozen_follows_the_option():
    base, merged = make_method("average", {}), make_method("average", {"trained_on": "merged"})
    memory = algebra.after(base, algebra.adapters(2))
    assert base.frozen(memory) == {} and merged.frozen(memory) is memory.update
