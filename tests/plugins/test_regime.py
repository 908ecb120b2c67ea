"""A regime is checked on what a method carries."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cbench import Example, Factors, Memory, gaussian
from cbench.errors import BadInput
from cbench.plugins.regime import NUMBERS, check_memory

ADAPTER = gaussian({"one": (6, 4), "two": (4, 4)}, 2, 0)
DENSE = 4 * (6 * 4 + 4 * 4)
"""Bytes of one dense update."""
IMAGE = Example("a.png", "a wall")


def numbers(count):
    return {"some": torch.zeros(count, dtype=torch.uint8)}


@pytest.mark.parametrize(
    "regime, memory, problem",
    [
        ("strict", Memory(extra=numbers(NUMBERS)), None),
        ("strict", Memory(extra=numbers(NUMBERS + 1)), "declare the regime statistics or library"),
        ("strict", Memory(examples=(IMAGE,)), "keeps training images"),
        ("statistics", Memory(extra=numbers(2 * DENSE)), None),
        ("statistics", Memory(extra=numbers(2 * DENSE + 1)), "declare the regime library"),
        ("statistics", Memory(examples=(IMAGE,)), "keeps training images"),
        ("library", Memory(extra=numbers(100 * DENSE)), None),
        ("library", Memory(examples=(IMAGE,)), "keeps training images"),
        ("replay", Memory(extra=numbers(100 * DENSE), examples=(IMAGE,)), None),
        ("oracle", Memory(extra=numbers(100 * DENSE), examples=(IMAGE,)), None),
    ],
)
def test_what_a_regime_allows(regime, memory, problem):
    if problem is None:
        check_memory("m", regime, memory, ADAPTER)
        return
    with pytest.raises(BadInput, match=problem):
        check_memory("m", regime, memory, ADAPTER)


@given(
    regime=st.sampled_from(["strict", "statistics", "library", "replay", "oracle"]), copies=st.integers(2, 5)
)
def test_a_stack_of_adapters_is_one_adapter_in_no_regime(regime, copies):
    stack = {n: Factors(f.A.repeat(copies, 1), f.B.repeat(1, copies)) for n, f in ADAPTER.items()}
    with pytest.raises(BadInput, match="keeps an adapter of other layers or shapes"):
        check_memory("m", regime, Memory(adapter=stack), ADAPTER)
    with pytest.raises(BadInput, match="keeps an update of one of shape"):
        check_memory("m", regime, Memory(update={"one": torch.zeros(6 * copies, 4)}), ADAPTER)


def test_an_update_of_another_layer_is_refused():
    with pytest.raises(BadInput, match="keeps an update of three, a layer that is not adapted"):
        check_memory("m", "library", Memory(update={"three": torch.zeros(4, 4)}), ADAPTER)
