"""Adapters and tasks for the tests of the methods' algebra."""

import torch
from hypothesis import strategies as st

from cbench.method import Memory
from cbench.plugins.hooks import grown
from cbench.task import Example, Task
from cbench.update import Factors

SHAPES = {"a": (3, 4), "b": (7, 6)}
SEEDS = st.integers(0, 10_000)


def task(number):
    return Task(f"t{number}", (Example(f"{number}.png", f"a t{number}"),), (), (f"a t{number}",), ("a",))


TASK = task(0)


def adapters(count, rank=2, seed=1, shapes=None):
    """Random trained adapters."""
    draws = torch.Generator().manual_seed(seed)

    def factors(d_out, d_in):
        return Factors(torch.randn(rank, d_in, generator=draws), torch.randn(d_out, rank, generator=draws))

    return [{name: factors(*shape) for name, shape in (shapes or SHAPES).items()} for _ in range(count)]


def of(*rows):
    """The adapter of one layer with this product."""
    matrix = torch.tensor(rows, dtype=torch.float32)
    return {"a": Factors(torch.eye(matrix.shape[1]), matrix)}


def after(method, trained, seed=0, moments=None):
    """The memory after the trained adapters, as the runner carries it; with the same second moments of the
    inputs in every task, if the method gathers them."""
    memory = Memory(tasks=len(trained), seed=seed)
    for number, adapter in enumerate(trained):
        gathered = memory
        if "inputs_before" in method.gathers:
            eyes = {n: torch.eye(f.A.shape[1]) for n, f in adapter.items()}
            gathered = method.gather(memory, "inputs_before", moments or eyes)
        kept = method.keep(gathered, adapter, task(number))
        kept = kept._replace(learned=memory.learned, tasks=memory.tasks, seed=memory.seed)
        memory = grown(kept, task(number))
    return memory


def model(method, trained, seed=0):
    """The update of the model after the trained adapters."""
    return method.model(after(method, trained, seed), TASK)


def close(update, expected, atol=1e-4):
    """Whether two updates agree, layer by layer; the message names the layer."""
    assert set(update) == set(expected)
    for name in expected:
        wanted = torch.as_tensor(expected[name], dtype=torch.float32)
        torch.testing.assert_close(
            update[name], wanted, atol=atol, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}"
        )
