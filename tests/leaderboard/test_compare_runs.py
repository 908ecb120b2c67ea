"""Two runs side by side."""

from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard import compare_runs


def test_two_runs(records: SimpleNamespace) -> None:
    one, two = records.make_record("naive"), records.make_record("merge_init")
    score = next(p for p in compare_runs.pairs(one, two) if p.column.summary == "average_score")
    assert score.difference == pytest.approx(score.two - score.one)
    assert "mini_dino: second minus first" in compare_runs.text(one, two)
    data = compare_runs.data(one, two)
    assert data["equal"] is False
    assert compare_runs.data(one, one)["equal"] is True


def test_cells_of_another_order_are_not_compared(records: SimpleNamespace) -> None:
    one, two = records.make_record(order=0), records.make_record(order=5)
    assert one.tasks != two.tasks
    assert "cells are of different tasks" in compare_runs.text(one, two)


def test_unfinished_runs_compare_over_what_both_have(records: SimpleNamespace) -> None:
    one, two = records.make_record(learned=2), records.make_record()
    assert len(compare_runs.less(one.scores["mini_dino"], two.scores["mini_dino"]).rows) == 2


@pytest.mark.parametrize("other", [{"digest": "x" * 64}, {"suite": "styles"}, {"suite_digest": "x" * 64}])
def test_other_protocols_do_not_compare(records: SimpleNamespace, other: dict) -> None:
    with pytest.raises(BadInput, match="cannot be compared"):
        compare_runs.text(records.make_record(), records.make_record(**other))


def test_runs_without_a_shared_metric_do_not_compare(records: SimpleNamespace) -> None:
    one, two = records.make_record(metrics=("mini_dino",)), records.make_record(metrics=("mini_csd",))
    for told in (compare_runs.text, compare_runs.data):
        with pytest.raises(BadInput, match="share no metric: mini_dino and mini_csd"):
            told(one, two)


def test_unequal_tasks_and_versions_are_told(records: SimpleNamespace) -> None:
    one = records.make_record()
    shorter, newer, other = (
        records.make_record(learned=2),
        records.make_record(version=2),
        records.make_record("magmax", version=2),
    )
    assert "The first run learned 2 tasks, the second 4" in compare_runs.text(shorter, one)
    assert "naive is version 1 in the first and 2 in the second" in compare_runs.text(one, newer)
    assert [len(compare_runs.data(one, two)["notes"]) for two in (one, shorter, newer, other)] == [0, 1, 1, 0]


def test_provenance_of_two_runs_where_it_differs(records: SimpleNamespace) -> None:
    one = records.elsewhere(
        records.make_record(), packages={"torch": "2.6.0", "peft": "0.17"}, created="2026-01-01"
    )
    two = records.elsewhere(
        one,
        packages={"torch": "2.7.0", "peft": "0.17", "timm": "1.0"},
        device="cpu (another)",
        threads=8,
        created="2026-02-02",
    )
    found = compare_runs.data(one, two)["provenance"]
    assert [d["field"] for d in found] == ["device", "threads", "torch", "timm"]
    assert (found[2]["one"], found[2]["two"], found[3]["one"]) == (("2.6.0",), ("2.7.0",), ("",))
    text = compare_runs.text(one, two)
    assert [line.split() for line in text.splitlines() if line.startswith(("torch", "timm"))] == [
        ["torch", "2.6.0", "2.7.0"],
        ["timm", "unknown", "1.0"],
    ]
    assert "peft" not in text and "created" not in text
    assert "Provenance: the same" in compare_runs.text(one, one)
