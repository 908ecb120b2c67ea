"""Ranges and the values that are tried."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Method
from cbench.search_space import Range, design, space_of, tunable

POSITIVE = st.floats(1e-9, 1e9)


@settings(deadline=None)
@given(low=POSITIVE, factor=st.floats(1.5, 1e6), log=st.booleans(), count=st.integers(1, 12))
def test_trials_are_different_values_of_the_range_and_more_begin_with_the_same(low, factor, log, count):
    space = {"strength": Range(low, low * factor, log)}
    points = design(space, frozenset(), count)
    values = [point["strength"] for point in points]
    assert len({*values}) == count and all(low <= value <= low * factor for value in values)
    assert design(space, frozenset(), count + 3)[:count] == points


def test_the_first_trial_is_the_middle_and_the_next_the_quarters():
    assert [p["s"] for p in design({"s": Range(1e-2, 1e2)}, frozenset(), 3)] == [1.0, 0.1, 10.0]
    assert [p["s"] for p in design({"s": Range(0, 8, log=False)}, frozenset(), 3)] == [4.0, 2.0, 6.0]


def test_whole_numbers_stay_whole_and_run_out():
    values = [p["k"] for p in design({"k": Range(1, 4, log=False)}, frozenset({"k"}), 4)]
    assert sorted(values) == [1, 2, 3, 4] and all(type(value) is int for value in values)
    with pytest.raises(BadInput, match="only 4 different values; give --trials 4"):
        design({"k": Range(1, 4, log=False)}, frozenset({"k"}), 5)


def test_two_ranges_are_covered_together():
    points = design({"a": Range(1, 100), "b": Range(0, 1, log=False)}, frozenset(), 6)
    assert points[0] == {"a": 10.0, "b": 0.333} and len({tuple(p.values()) for p in points}) == 6


def test_a_method_declares_its_ranges_beside_the_defaults():
    @dataclass(frozen=True)
    class L2(Method):
        strength: float = tunable(1.0, low=1e-3, high=1e3)
        exact: bool = False

    assert L2().strength == 1.0 and space_of(L2) == {"strength": Range(1e-3, 1e3, True)}


@pytest.mark.parametrize(
    ("low", "high", "log"), [(1, 1, True), (0, 1, True), (2, 1, False), (0, float("inf"), False)]
)
def test_a_range_that_is_none_is_refused(low, high, log):
    with pytest.raises(ValueError, match="low must be below high"):
        tunable(1.0, low, high, log)
