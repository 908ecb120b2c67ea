"""Gradient projection memory against its definition."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.gpm import Gpm, grown
from cbench.plugins.methods import make_method
from cbench.plugins.regime import check_memory
from cbench.task import Example, Task
from cbench.update import Factors, gaussian

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))
D = 6


def moments_of(seed, rank=D):
    inputs = torch.randn(D, rank, generator=torch.Generator().manual_seed(seed))
    return (inputs @ inputs.T / rank).float()


def after(method, *moments):
    memory = Memory(tasks=5)
    adapter = gaussian({"a": (4, D)}, 2, 0)
    for matrix in moments:
        learned = memory.learned
        memory = method.keep(memory, adapter, TASK)._replace(learned=learned, tasks=5)  # as the runner does
        memory = method.gather(memory, "inputs_after", {"a": matrix})._replace(learned=(*learned, "a"))
    return memory


def test_shares_are_of_the_inputs_not_of_their_moments():
    """Moments 80, 15, 5 reach 80, 95 and 100 percent of the energy; their squares would reach 96 first."""
    moments = torch.diag(torch.tensor([80.0, 15.0, 5.0]).double())
    assert grown(None, moments, 0.97).shape == (3, 2)
    assert grown(None, moments, 0.9).shape == (3, 1)
    more = grown(torch.eye(3).double()[:, :1], moments, 0.97)
    torch.testing.assert_close(more @ more.T, torch.eye(3).double())


@QUICK
@given(seed=st.integers(0, 10**6), count=st.integers(1, 4), threshold=st.floats(0.1, 0.99))
def test_the_basis_stays_orthonormal_and_explains_each_later_task(seed, count, threshold):
    moments = [moments_of(seed + i) for i in range(count)]
    method = Gpm(threshold=threshold, increase=0.0)
    used = after(method, *moments).extra["a"]
    torch.testing.assert_close(used.T @ used, torch.eye(used.shape[1]), atol=1e-5, rtol=0)
    explained = (used.T @ moments[-1] @ used).trace() / moments[-1].trace()
    assert count == 1 or explained >= threshold - 1e-4


@QUICK
@given(seed=st.integers(0, 10**6), count=st.integers(0, 3))
def test_the_projection_is_idempotent_and_reads_nothing_of_the_basis(seed, count):
    memory, adapter = (
        after(Gpm(threshold=0.5), *(moments_of(seed + i) for i in range(count))),
        gaussian({"a": (4, D)}, 2, seed),
    )
    once = Gpm().project(memory, adapter)
    twice = Gpm().project(memory, once)
    torch.testing.assert_close(once["a"].A, twice["a"].A, atol=1e-6, rtol=1e-5)
    assert once["a"].B is adapter["a"].B
    if count:
        assert ((once["a"].A @ memory.extra["a"]).abs() < 1e-5).all()
    else:
        assert once["a"] is adapter["a"], "before anything is learned"


def test_the_memory_is_model_and_bases_within_its_regime():
    shared, adapter = moments_of(0), {n: Factors(torch.ones(2, D), torch.ones(D, 2)) for n in ("q", "k")}
    memory = Gpm().gather(
        Gpm().keep(Memory(tasks=5), adapter, TASK), "inputs_after", {"q": shared, "k": shared}
    )
    assert [*memory.extra] == ["k q"] and memory.update.keys() == {"q", "k"}
    projected = Gpm().project(memory, adapter)
    assert all((projected[n].A @ memory.extra["k q"]).abs().max() < 1e-5 for n in ("q", "k"))
    check_memory("gpm", Gpm.regime, memory, adapter)


def test_the_threshold_grows_with_the_tasks_and_ends_at_one():
    moments = torch.diag(torch.tensor([90.0, 6.0, 2.5, 1.5, 0.0, 0.0]))
    sizes = [
        after(Gpm(threshold=0.89, increase=0.04), *([moments] * count)).extra["a"].shape[1]
        for count in (1, 2, 3, 5)
    ]
    assert sizes == [0, 2, 3, 4]


@pytest.mark.parametrize("options", [{"threshold": "1.1"}, {"increase": "-1"}, {"draws": "0"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of gpm: Input should be"):
        make_method("gpm", options)
