"""One run in full."""

from collections.abc import Callable

from cbench.leaderboard.run_text import run_data, run_text
from cbench.record.record import Record


def test_everything_is_there(make_record: Callable[..., Record]) -> None:
    record = make_record(order=5)
    text = run_text(record)
    for part in (
        "mini, version 1",
        "naive: Naive fine-tuning",
        "4 of 4 learned",
        "mini_dino: score",
        "gain retained",
        "training s",
        "cpu",
    ):
        assert part in text
    assert f"{record.scores['mini_dino'].rows[3][1]:.3f}" in text
    assert f"4 {record.tasks[3]}" in text


def test_an_unfinished_run(make_record: Callable[..., Record]) -> None:
    assert "0 of 4 learned" in run_text(make_record(learned=0))


def test_terminal_escapes_are_taken_out(make_record: Callable[..., Record]) -> None:
    assert "\x1b" not in run_text(make_record(title="\x1b[2Jgone", options={"x": "\x1b"}))


def test_data_is_the_record_with_summaries(make_record: Callable[..., Record]) -> None:
    data = run_data(make_record())
    summaries = data.pop("summaries")
    assert Record.model_validate(data) == make_record()
    assert set(summaries) == {"mini_clip_i", "mini_dino"}
