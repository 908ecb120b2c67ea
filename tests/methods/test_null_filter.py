"""Later tasks leave what earlier ones read."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    trained = [algebra.of((2, 0), (0, 0)), algebra.of((1, 1), (1, 1))]
    method = make_method("null_filter", {"protected": "0.5"})
    algebra.close(algebra.model(method, trained), {"a": [[2, 1], [0, 1]]})


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 4), algebra.SEEDS, st.floats(0.2, 1))
def test_the_first_directions_keep_their_image(count, seed, protected):
    shapes = {"a": (12, 24), "b": (24, 12)}
    trained, method = (
        algebra.adapters(count, seed=seed, shapes=shapes),
        make_method("null_filter", {"protected": str(protected)}),
    )
    before, after = (algebra.model(method, trained[:n]) for n in (count - 1, count))
    for name, (_, d_in) in shapes.items():
        _, S, Vh = torch.linalg.svd(before[name])
        V = Vh[: min(int(protected * d_in), int((1e-5 * S[0] < S).sum()))].T
        torch.testing.assert_close(after[name] @ V, before[name] @ V, atol=1e-4, rtol=1e-4)


def test_the_rest_of_a_new_task_is_added_whole():
    shapes, method = {"a": (12, 24)}, make_method("null_filter", {})
    trained = algebra.adapters(2, seed=3, shapes=shapes)
    first, both = (algebra.model(method, trained[:n])["a"] for n in (1, 2))
    _, _, Vh = torch.linalg.svd(first)
    outside = Vh[2:].T
    torch.testing.assert_close(
        both @ outside, (first + product(trained[1])["a"]) @ outside, atol=1e-4, rtol=1e-4
    )


def test_the_first_task_is_added_whole_and_an_untrained_one_blocks_nothing():
    first, zero = algebra.adapters(1)[0], algebra.adapters(1)[0]
    zero = {n: type(f)(f.A, 0 * f.B) for n, f in zero.items()}
    method = make_method("null_filter", {})
    algebra.close(algebra.model(method, [first]), product(first), atol=0)
    algebra.close(algebra.model(method, [zero, first]), product(first))
