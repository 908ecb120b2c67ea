"""The mean that is nearest in outputs: against the least squares problem written out."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.method import Memory
from cbench.plugins.hooks import grown
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def learned(method, trained, moments):
    """The memory after tasks with these adapters and second moments of the inputs, layer by layer."""
    memory = Memory(tasks=len(trained))
    for number, (adapter, measured) in enumerate(zip(trained, moments, strict=True)):
        gathered = method.gather(memory, "inputs_before", measured)
        kept = method.keep(gathered, adapter, algebra.task(number))._replace(learned=memory.learned)
        memory = grown(kept, algebra.task(number))
    return memory


def inputs(count, seed):
    """Inputs of each task and layer, as rows; more than the layers' sides."""
    draws = torch.Generator().manual_seed(seed)
    return [
        {n: torch.randn(20, s[1], generator=draws) for n, s in algebra.SHAPES.items()} for _ in range(count)
    ]


def test_example():
    trained = [algebra.of((1, 0), (0, 1)), algebra.of((3, 0), (0, 3))]
    moments = [{"a": torch.diag(torch.tensor(C))} for C in ([1.0, 3.0], [3.0, 1.0])]
    memory = learned(make_method("regmean", {}), trained, moments)
    algebra.close(memory.update, {"a": [[2.5, 0], [0, 1.5]]})


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_without_shrinking_it_is_the_least_squares_solution(count, seed):
    trained, rows = algebra.adapters(count, seed=seed), inputs(count, seed)
    moments = [{n: X.T @ X / len(X) for n, X in task.items()} for task in rows]
    memory = learned(make_method("regmean", {"shrink": "1"}), trained, moments)
    for name in algebra.SHAPES:
        X = torch.cat([task[name] for task in rows]).double()
        Y = torch.cat([r[name] @ product(a)[name].T for r, a in zip(rows, trained, strict=True)]).double()
        expected = torch.linalg.lstsq(X, Y).solution.T
        torch.testing.assert_close(memory.update[name], expected.float(), atol=1e-3, rtol=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS)
def test_equal_adapters_give_that_adapter_whatever_the_inputs(count, seed):
    trained = algebra.adapters(1, seed=seed) * count
    moments = [{n: X.T @ X for n, X in task.items()} for task in inputs(count, seed)]
    algebra.close(
        learned(make_method("regmean", {}), trained, moments).update, product(trained[0]), atol=1e-3
    )


def test_inputs_of_few_directions_leave_the_others_at_the_base_model():
    first, moments = algebra.adapters(1)[0], {"b": torch.zeros(6, 6)}
    moments["b"][0, 0] = 2.0
    update = learned(make_method("regmean", {}), [first], [moments]).update["b"]
    torch.testing.assert_close(update[:, 0], product(first)["b"][:, 0])
    assert not update[:, 1:].any()


def test_layers_fed_alike_are_kept_once():
    shared, trained = torch.eye(4), algebra.adapters(1, shapes={"k": (3, 4), "v": (3, 4)})
    memory = learned(make_method("regmean", {}), trained, [{"k": shared, "v": shared}])
    assert list(memory.extra) == ["sum k v"] and set(memory.update) == {"k", "v"}
    algebra.close(memory.update, product(trained[0]))
