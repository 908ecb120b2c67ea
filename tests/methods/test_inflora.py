"""InfLoRA against its definition and the published code's rules."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.inflora import INPUTS, REMOVED, RETAINED, InfLora, grown, outside, rows_to_read
from cbench.plugins.methods import make_method
from cbench.plugins.regime import check_memory
from cbench.task import Example, Task
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))
D, RANK = 8, 2


def diagonal(*values):
    return torch.diag(torch.tensor(values, dtype=torch.float64))


def axes(size, *numbers):
    """The projector onto some coordinate axes, counted from 1."""
    return torch.diag(torch.tensor([float(i + 1 in numbers) for i in range(size)]))


def span(kept, prefix):
    basis = kept[prefix + "a"]
    return basis @ basis.T


def after_tasks(energy, tasks, *moments):
    """What is kept of layer a after tasks with these second moments."""
    memory = Memory(tasks=tasks)
    for matrix in moments:
        memory = InfLora(energy=energy).gather(memory, "inputs_after", {"a": matrix.float()})
        memory = memory._replace(learned=(*memory.learned, "a"))
        yield memory.extra


def moments_of(seed, rank=D):
    inputs = torch.randn(D, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    scales = torch.linspace(3, 0.3, D, dtype=torch.float64)[:, None]
    return (scales * inputs) @ (scales * inputs).T / rank


def test_the_sheets_example_of_a_start():
    memory = Memory(extra={REMOVED + "a": torch.tensor([[1.0], [0.0]])})
    memory = InfLora().gather(memory, "inputs_before", {"a": diagonal(2.0, 1.0).float()})
    start = InfLora().start(memory, gaussian({"a": (3, 2)}, 1, 0))["a"]
    torch.testing.assert_close(start.A.abs(), torch.tensor([[0.0, 3**-0.5]]), atol=1e-6, rtol=1e-6)
    assert not start.B.any()


def test_the_sheets_example_of_growth():
    first, second, third = after_tasks(
        0.95, 5, diagonal(5, 2, 1, 0.5, 0.1), diagonal(1, 2, 1, 0.1, 0.1), diagonal(1, 1, 1, 1, 0.1)
    )
    torch.testing.assert_close(span(first, REMOVED), axes(5, 1))
    torch.testing.assert_close(span(second, RETAINED), axes(5, 4, 5))
    torch.testing.assert_close(span(third, RETAINED), axes(5, 5))
    assert REMOVED + "a" not in second and third[RETAINED + "a"].shape == (5, 1)


@QUICK
@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), energy=st.floats(0.1, 0.99))
def test_what_is_kept_stays_orthonormal_and_small(seed, count, energy):
    for kept in after_tasks(energy, 5, *(moments_of(seed + i) for i in range(count))):
        (basis,) = kept.values()
        size = basis.shape[1]
        torch.testing.assert_close(basis.T @ basis, torch.eye(size), atol=1e-5, rtol=0)
        assert size <= D / 2


@QUICK
@given(seed=st.integers(0, 10**6), energy=st.floats(0.1, 0.99))
def test_the_threshold_is_explained_after_every_task_but_the_first(seed, energy):
    """The first basis is one direction short of it, as in the authors' code."""
    moments = [moments_of(seed + i) for i in range(3)]
    for position, kept in enumerate(after_tasks(energy, 5, *moments)):
        threshold = energy + (1 - energy) * position / 5
        left = outside(kept, "a", moments[position].float().double())
        share = 1 - float(left.square().sum() / moments[position].square().sum())
        assert position == 0 or share >= threshold - 1e-4


@QUICK
@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), energy=st.floats(0.3, 0.99))
def test_what_earlier_tasks_read_keeps_its_output_exactly(seed, count, energy):
    """A M = 0: for x in span M, B A x = 0."""
    *_, kept = after_tasks(energy, 5, *(moments_of(seed + i) for i in range(count)))
    memory = InfLora().gather(Memory(extra=kept), "inputs_before", {"a": moments_of(seed + 9).float()})
    A = InfLora().start(memory, gaussian({"a": (3, D)}, RANK, 0))["a"].A
    used = kept.get(REMOVED + "a")
    free = kept.get(RETAINED + "a")
    inside = A @ used if used is not None else A - A @ free @ free.T
    assert inside.abs().max() < 1e-5


@QUICK
@given(seed=st.integers(0, 10**6), rank=st.integers(1, 3))
def test_rows_are_orthonormal_over_root_three_up_to_the_numerical_rank(seed, rank):
    moments = moments_of(seed, rank).float().double()
    rows = rows_to_read(moments, moments, D)
    expected = torch.diag(torch.tensor([1 / 3] * rank + [0.0] * (D - rank), dtype=torch.float64))
    torch.testing.assert_close(rows @ rows.T, expected, atol=1e-6, rtol=0)


def test_rows_that_would_read_only_rounding_noise_are_zero():
    """All inputs lie in M: nothing is left to read, and A must not read M either."""
    used = torch.linalg.qr(moments_of(0)).Q[:, :3].float()
    inputs = used.double() @ used.double().T
    left = outside({REMOVED + "a": used}, "a", inputs.float().double())
    assert not rows_to_read(left, inputs, RANK).any()


def test_the_first_basis_has_one_direction_at_least_and_becomes_its_complement_above_half():
    tall = grown({}, "a", diagonal(9, 0.1, 0.1, 0.1), 0.5)
    torch.testing.assert_close(span(tall, REMOVED), axes(4, 1))
    flat = grown({}, "a", diagonal(4, 3, 2, 1), 0.99)
    torch.testing.assert_close(span(flat, RETAINED), axes(4, 4))


def test_a_complement_that_is_used_up_leaves_nothing_to_learn():
    kept = grown({RETAINED + "a": torch.eye(4)[:, 3:]}, "a", diagonal(0, 0, 0, 1), 0.9)
    assert kept[RETAINED + "a"].shape == (4, 0)
    memory = Memory(extra={**kept, INPUTS + "a": torch.eye(4)})
    assert not InfLora().start(memory, gaussian({"a": (3, 4)}, RANK, 0))["a"].A.any()


def test_the_memory_after_a_task_is_model_and_bases_alone():
    shared = moments_of(3).float()
    adapter = {n: Factors(torch.ones(RANK, D), torch.ones(D, RANK)) for n in ("q", "k")}
    memory = InfLora().gather(Memory(tasks=5), "inputs_before", {"q": shared, "k": shared})
    assert [*memory.extra] == [INPUTS + "k q"], "one matrix for layers that are fed alike"
    memory = InfLora().keep(memory, adapter, TASK)._replace(tasks=5)  # the runner puts it back
    memory = InfLora().gather(memory, "inputs_after", {"q": shared, "k": shared})
    assert [*memory.extra] == [REMOVED + "k q"] and memory.update.keys() == {"q", "k"}
    check_memory("inflora", InfLora.regime, memory, adapter)


@pytest.mark.parametrize("options", [{"energy": "1.1"}, {"energy": "0"}, {"draws": "0"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of inflora: Input should be"):
        make_method("inflora", options)
