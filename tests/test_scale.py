"""The scale of a metric: its direction, and the numbers that it allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cbench.record.record import Scores
from cbench.scale import COSINE, Scale

number = st.floats(-1e6, 1e6)


def test_a_cosine_may_be_rounded_and_no_more():
    assert COSINE.limits == (-1.001, 1.001) and COSINE.half_width == 1 and COSINE.sign == 1


@given(number, number)
def test_bounds_have_room_for_rounding(low, high):
    if low >= high:
        with pytest.raises(ValidationError, match="must be less than high"):
            Scale(unit="u", better="lower", low=low, high=high)
        return
    least, most = Scale(unit="u", better="lower", low=low, high=high).limits
    assert least <= low < high <= most and most - least <= 1.002 * (high - low)


@pytest.mark.parametrize(
    ("bounds", "good", "bad"),
    [({"low": 0}, [0, 1e9], -0.5), ({"high": 1}, [-1e9, 1], 2), ({"low": 1, "high": 10}, [1, 10], 10.5)],
)
def test_a_matrix_keeps_to_its_scale(bounds, good, bad):
    scale = Scale(unit="points", better="higher", **bounds)
    assert Scores(base=good, rows=[], scale=scale).base == tuple(good)
    with pytest.raises(ValidationError, match=r"than or equal to .* \(points\)"):
        Scores(base=(), rows=[[good[0]], [good[0], bad]], scale=scale)


def test_numbers_without_bounds_cannot_overflow():
    scale = Scale(unit="MMD", better="lower")
    assert Scores(base=(-1e12, 1e12), rows=(), scale=scale)
    for value in (1e13, float("nan"), float("inf"), True, "1"):
        with pytest.raises(ValidationError):
            Scores(base=(value,), rows=(), scale=scale)


@pytest.mark.parametrize(
    "fields",
    [
        {"unit": ""},
        {"unit": "\x1b[31mred"},
        {"unit": "a\nb"},
        {"better": "more"},
        {"low": "0"},
        {"high": float("nan")},
    ],
)
def test_refused(fields):
    with pytest.raises(ValidationError):
        Scale(**({"unit": "u", "better": "lower"} | fields))
