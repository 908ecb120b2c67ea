import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbench.progress import Clock, clock, progress
from cbench.utils.interrupt import check_interrupt


def test_remaining_is_the_mean_cost_of_what_is_left():
    watch = Clock({"train": (1.0,) * 4, "sample": (1.0,) * 2})
    assert watch.remaining() is None
    watch.add("train", 1, 10.0)
    assert watch.remaining() is None, "sampling has not shown its cost yet"
    watch.add("sample", 1, 3.0)
    assert watch.remaining() == 3 * 10.0 + 1 * 3.0
    assert watch.line() == "train 1/4, sample 1/2, 0:33 left"


@given(st.lists(st.sampled_from(["train", "sample"]), max_size=12))
def test_share_stays_between_nothing_and_all(stages):
    watch = Clock({"train": (1.0,) * 3, "sample": (1.0,) * 5})
    for stage in stages:
        watch.add(stage, 1, 0.5)
        assert 0 <= watch.share() <= 1
        assert all(watch.done[s] <= len(watch.work[s]) for s in watch.work)


def test_a_costlier_training_counts_for_more():
    watch = Clock({"train": (1.0, 2.0, 3.0)})
    watch.add("train", 1, 10.0)
    assert watch.remaining() == 50.0


def test_clock_reads_as_people_write():
    assert [clock(s) for s in (0, 59.6, 61, 3661)] == ["0:00", "1:00", "1:01", "1:01:01"]


@pytest.mark.parametrize("terminal", ["1", ""])
def test_a_title_is_shown_as_it_is_and_safe_for_a_terminal(monkeypatch, capfd, terminal):
    """On a terminal (rich takes FORCE_COLOR for one) and elsewhere."""
    monkeypatch.setenv("FORCE_COLOR", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    with progress("naive note=[/x] [red]\x1b[2J", Clock({"train": (1.0,) * 1})) as tell:
        tell("train", 1, 1.0)
    captured = capfd.readouterr().err
    assert "naive note=[/x] [red][2J" in captured and "\x1b[2J" not in captured and "train 1/1" in captured


def test_a_terminal_sees_how_far_a_stage_is(monkeypatch, capfd):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("naive", Clock({"train": (1.0,) * 2})) as tell:
        check_interrupt(340, 850)
        time.sleep(0.3)  # it is drawn ten times a second
        within = capfd.readouterr().err
        tell("train", 1, 1.0)
        time.sleep(0.3)
        between = capfd.readouterr().err.rsplit("naive", 1)[-1]
    assert "step 340/850" in within and "step" not in between and "train 1/2" in between
