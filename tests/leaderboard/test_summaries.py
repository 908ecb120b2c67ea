"""Summaries against slow, obvious definitions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.leaderboard import summaries
from cbench.record.record import Scores

score = st.floats(-1, 1)


@st.composite
def matrices(draw: st.DrawFn, least: int = 1) -> Scores:
    tasks = draw(st.integers(least, 6))
    rows = tuple(tuple(draw(score) for _ in range(i + 1)) for i in range(tasks))
    return Scores(base=tuple(draw(score) for _ in range(tasks)), rows=rows)


def close(value: float | None) -> object:
    return pytest.approx(value, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(matrices(least=2))
def test_slow_definitions(scores: Scores) -> None:
    S = {(j, i): scores.rows[i][j] for i in range(len(scores.rows)) for j in range(i + 1)}
    T = len(scores.rows) - 1
    tasks = range(T + 1)
    slow = {
        "average_score": sum(S[j, T] for j in tasks) / (T + 1),
        "average_forgetting": sum(max(S[j, i] for i in tasks if i >= j) - S[j, T] for j in tasks) / (T + 1),
        "forgetting_earlier": sum(max(S[j, i] for i in tasks if j <= i < T) - S[j, T] for j in tasks if j < T)
        / T,
        "backward_transfer": sum(S[j, T] - S[j, j] for j in tasks if j < T) / T,
        "gain_earlier": sum(S[j, T] - scores.base[j] for j in tasks if j < T) / T,
        "average_incremental_score": sum(sum(S[j, i] for j in tasks if j <= i) / (i + 1) for i in tasks)
        / (T + 1),
        "plasticity": sum(S[j, j] for j in tasks) / (T + 1),
        "base_score": sum(scores.base) / (T + 1),
    }
    gained = sum(S[j, j] - scores.base[j] for j in tasks)
    fast = summaries.summarise(scores)
    assert {k: fast[k] for k in slow} == {k: close(v) for k, v in slow.items()}
    if abs(gained) > 1e-6:
        kept = sum(S[j, T] - scores.base[j] for j in tasks)
        assert fast["gain_retained"] == (
            pytest.approx(kept / gained, rel=1e-6, abs=1e-9) if gained > 0 else None
        )


@settings(max_examples=50, deadline=None)
@given(matrices())
def test_published_forgetting_is_never_negative_and_vanishes_without_drift(scores: Scores) -> None:
    assert summaries.average_forgetting(scores) >= 0
    still = Scores(base=scores.base, rows=tuple(scores.base[: i + 1] for i in range(len(scores.base))))
    assert summaries.average_forgetting(still) == 0
    assert summaries.backward_transfer(still) in (0, None)


def test_worked_example() -> None:
    scores = Scores(base=(0.1, 0.2), rows=((0.5,), (0.3, 0.6)))
    assert summaries.average_score(scores) == close(0.45)
    assert summaries.average_forgetting(scores) == close(0.1)
    assert summaries.forgetting_earlier(scores) == close(0.2)
    assert summaries.backward_transfer(scores) == close(-0.2)
    assert summaries.gain_earlier(scores) == close(0.2)
    assert summaries.gain_retained(scores) == close(0.6 / 0.8)
    assert summaries.normalised_score(scores, Scores(base=(0.1, 0.2), rows=((0.7,), (0.7, 0.6)))) == close(
        0.3 / 0.5
    )


def test_nothing_to_say_is_none() -> None:
    empty, one = Scores(base=(0.1, 0.2), rows=()), Scores(base=(0.5,), rows=((0.4,),))
    assert set(summaries.summarise(empty).values()) == {None}
    assert summaries.forgetting_earlier(one) is None
    assert summaries.backward_transfer(one) is None
    assert summaries.gain_earlier(one) is None
    assert summaries.gain_retained(one) is None
    assert summaries.gain_retained(Scores(base=(), rows=((0.4,),))) is None
    assert summaries.gain_earlier(Scores(base=(0.1,), rows=((0.4,), (0.4, 0.5)))) is None
    assert summaries.normalised_score(one, one) is None
    assert summaries.normalised_score(empty, one) is None


def test_every_summary_names_its_direction() -> None:
    assert {s.arrow for s in summaries.SUMMARIES.values()} == {"↑", "↓"}
    assert all(name in summaries.SUMMARIES for name in summaries.PUBLISHED)
