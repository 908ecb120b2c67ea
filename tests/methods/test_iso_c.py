"""A flat spectrum."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.plugins.methods import make_method

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    algebra.close(
        algebra.model(make_method("iso_c", {}), [algebra.of((3.5, 0.5), (0.5, 0.5))]), {"a": [[2, 0], [0, 2]]}
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3), algebra.SEEDS)
def test_all_singular_values_are_the_sums_mean_and_its_spaces_stay(count, seed):
    trained = algebra.adapters(count, seed=seed)
    merged = algebra.model(make_method("iso_c", {}), trained)
    for name in algebra.SHAPES:
        total = sum(a[name].B @ a[name].A for a in trained).double()
        U, S, Vh = torch.linalg.svd(total, full_matrices=False)
        rank = int((1e-5 * S[0] < S).sum())
        expected = S[:rank].mean() * U[:, :rank] @ Vh[:rank]
        torch.testing.assert_close(merged[name], expected.float(), atol=1e-3, rtol=1e-3)


def test_the_memory_is_the_plain_sum_and_one_number():
    trained = algebra.adapters(3)
    memory = algebra.after(make_method("iso_c", {}), trained)
    algebra.close(memory.update, algebra.model(make_method("merge_init", {}), trained), atol=0)
    assert {name: int(number) for name, number in memory.extra.items()} == {"rank": 6}


def test_nothing_learned_is_nothing():
    assert not algebra.model(make_method("iso_c", {}), [algebra.of((0, 0), (0, 0))])["a"].any()
