"""Orthogonal Adaptation against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.ortho_adapt import OrthoAdapt, block_of_rows
from cbench.task import Example, Task
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))
SHAPES, RANK = {"a": (5, 12), "b": (6, 8)}, 2


def start(task, seed=0):
    memory = Memory(learned=("a",) * task, seed=seed)
    return OrthoAdapt().start(memory, gaussian(SHAPES, RANK, task))


def learned(task, seed=0):
    """A trained adapter: the start's A, and some B."""
    draws = torch.Generator().manual_seed(task)
    return {n: Factors(f.A, torch.randn(f.B.shape, generator=draws)) for n, f in start(task, seed).items()}


@QUICK
@given(one=st.integers(0, 3), two=st.integers(0, 3), seed=st.integers(0, 99))
def test_tasks_have_orthogonal_rows_of_the_fresh_length(one, two, seed):
    first, second = start(one, seed), start(two, seed)
    for name in SHAPES:
        overlap = first[name].A @ second[name].A.T
        squares = gaussian(SHAPES, RANK, one)[name].A.square().sum() / RANK
        expected = squares * torch.eye(RANK) if one == two else torch.zeros(RANK, RANK)
        torch.testing.assert_close(overlap, expected, atol=1e-6, rtol=1e-5)
        assert not first[name].B.any()


@QUICK
@given(task=st.integers(0, 3), weights=st.lists(st.floats(-5, 5), min_size=RANK, max_size=RANK))
def test_an_input_of_a_task_sees_that_task_alone(task, weights):
    memory = Memory()
    for one in range(4):
        memory = OrthoAdapt().keep(memory, learned(one), TASK)
    for name in SHAPES:
        own = learned(task)[name]
        x = torch.tensor(weights) @ own.A
        torch.testing.assert_close(memory.update[name] @ x, own.B @ own.A @ x, atol=1e-4, rtol=1e-4)


def test_the_rows_are_those_of_one_orthogonal_matrix():
    whole = torch.cat([block_of_rows(3, 12, task, 5, "a") for task in range(4)])
    torch.testing.assert_close(whole @ whole.T, torch.eye(12, dtype=torch.float64))


def test_rows_begin_again_when_all_are_used_and_differ_by_seed_and_layer():
    assert torch.equal(block_of_rows(5, 12, 2, 0, "a"), block_of_rows(5, 12, 0, 0, "a"))
    others = [
        block_of_rows(5, 12, 0, 1, "a"),
        block_of_rows(5, 12, 0, 0, "b"),
        block_of_rows(5, 12, 1, 0, "a"),
    ]
    assert not any(torch.allclose(block_of_rows(5, 12, 0, 0, "a"), other) for other in others)


def test_every_task_trains_over_the_base_model():
    assert OrthoAdapt().frozen(Memory(update={"a": torch.ones(5, 12)})) == {}
    assert OrthoAdapt.learns == "B"


def test_a_rank_above_the_inputs_is_refused():
    with pytest.raises(BadInput, match="needs a rank of at most 4, the inputs of a, not 5"):
        OrthoAdapt().start(Memory(), gaussian({"a": (3, 4)}, 5, 0))
