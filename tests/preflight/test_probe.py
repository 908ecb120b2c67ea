"""What a step costs, from two lengths of work."""

from hypothesis import given
from hypothesis import strategies as st
from pytest import MonkeyPatch, approx

from cbench.preflight import probe

SECONDS = st.floats(0.001, 1000)


def timed(costs, few, many):
    """`line` of a work that takes `costs(steps)` seconds, and a hundred more the first time."""
    clock, calls = [0.0], []

    def work(steps):
        clock[0] += costs(steps) + (0 if calls else 100)
        calls.append(steps)

    with MonkeyPatch.context() as patch:
        patch.setattr(probe.time, "perf_counter", lambda: clock[0])
        return probe.line(work, few, many)


@given(around=SECONDS, step=SECONDS)
def test_what_is_around_the_steps_and_the_first_go_are_not_counted(around, step):
    more, once = timed(lambda steps: around + step * steps, 2, 6)
    assert more == approx(step, rel=1e-6, abs=1e-9 * around) and once == approx(around + 2 * step, rel=1e-6)


@given(short=SECONDS, long=SECONDS)
def test_no_step_is_free_however_uneven_the_machine(short, long):
    more, _ = timed(lambda steps: short if steps == 2 else long, 2, 6)
    assert more > 0
