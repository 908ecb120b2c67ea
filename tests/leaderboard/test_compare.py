"""Two runs and two folders side by side."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard import compare, origin
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.files import Stored
from cbench.record import Record


def boards_of(records: list) -> list[Board]:
    return boards([Stored(Path(r.file_name), r) for r in records])


def test_two_runs(records: SimpleNamespace) -> None:
    one, two = records.make_record("naive"), records.make_record("merge_init")
    score = next(p for p in compare.pairs(one, two) if p.column.summary == "average_score")
    assert score.difference == pytest.approx(score.two - score.one)
    assert "mini_dino: second less first" in compare.runs_text(one, two)
    data = compare.runs_data(one, two)
    assert data["equal"] is False
    assert compare.runs_data(one, one)["equal"] is True


def test_cells_of_another_order_are_not_compared(records: SimpleNamespace) -> None:
    one, two = records.make_record(order=0), records.make_record(order=5)
    assert one.tasks != two.tasks
    assert "cells are of different tasks" in compare.runs_text(one, two)


def test_unfinished_runs_compare_over_what_both_have(records: SimpleNamespace) -> None:
    one, two = records.make_record(learned=2), records.make_record()
    assert len(compare.less(one.scores["mini_dino"], two.scores["mini_dino"]).rows) == 2


@pytest.mark.parametrize("other", [{"digest": "x" * 64}, {"suite": "styles"}, {"suite_digest": "x" * 64}])
def test_other_protocols_do_not_compare(records: SimpleNamespace, other: dict) -> None:
    with pytest.raises(BadInput, match="do not compare"):
        compare.runs_text(records.make_record(), records.make_record(**other))


def test_runs_without_a_shared_metric_do_not_compare(records: SimpleNamespace) -> None:
    one, two = records.make_record(metrics=("mini_dino",)), records.make_record(metrics=("mini_csd",))
    for told in (compare.runs_text, compare.runs_data):
        with pytest.raises(BadInput, match="share no metric: mini_dino and mini_csd"):
            told(one, two)
    with pytest.raises(BadInput, match="both folders hold share no metric"):
        compare.folders(boards_of([one]), boards_of([two]))


def test_unequal_tasks_and_versions_are_told(records: SimpleNamespace) -> None:
    one = records.make_record()
    shorter, newer, other = records.make_record(learned=2), records.make_record(version=2), records.make_record("magmax", version=2)
    assert "The first learned 2 tasks, the second 4" in compare.runs_text(shorter, one)
    assert "naive is version 1 in the first and 2 in the second" in compare.runs_text(one, newer)
    assert [len(compare.runs_data(one, two)["notes"]) for two in (one, shorter, newer, other)] == [0, 1, 1, 0]


def test_unequal_versions_of_two_folders_are_told(records: SimpleNamespace) -> None:
    found = compare.folders(boards_of(records.grid(("naive", "magmax"))), boards_of(records.grid(("naive",), version=3)))
    assert "objects: naive is version 1 in the first and 3 in the second" in compare.folders_text(found)
    assert len(compare.folders_data(found)["notes"]) == 1


def test_two_folders(records: SimpleNamespace) -> None:
    one, two = records.grid(("naive", "magmax")), records.grid(("naive", "merge_init"))[1:]
    found = compare.folders(boards_of(one), boards_of(two))
    assert {m.method for m in found.moved} == {"naive"}
    assert {(m.difference.n, m.difference.mean, m.equal) for m in found.moved} == {(3, 0, 3)}
    assert found.only_one[0] == "mini-objects-magmax-o0-s0"
    assert len(found.only_one) == 5
    assert len(found.only_two) == 4
    assert "Only in the second: `mini-objects-merge_init-o0-s0`" in compare.folders_text(found)
    assert compare.folders_data(found)["moved"][0]["column"] == {"summary": "average_score", "metric": "mini_clip_i"}


def test_folders_of_other_tracks_share_nothing(records: SimpleNamespace) -> None:
    found = compare.folders(boards_of([records.make_record()]), boards_of([records.make_record(digest="x" * 64)]))
    assert "share no complete run" in compare.folders_text(found)


def elsewhere(record: Record, **changes: object) -> Record:
    return record.model_copy(update={"provenance": record.provenance.model_copy(update=changes)})


def test_provenance_of_two_runs_where_it_differs(records: SimpleNamespace) -> None:
    one = elsewhere(records.make_record(), packages={"torch": "2.6.0", "peft": "0.17"}, created="2026-01-01")
    two = elsewhere(
        one, packages={"torch": "2.7.0", "peft": "0.17", "timm": "1.0"}, device="cpu (another)", threads=8, created="2026-02-02"
    )
    found = compare.runs_data(one, two)["provenance"]
    assert [d["field"] for d in found] == ["device", "threads", "torch", "timm"]
    assert (found[2]["one"], found[2]["two"], found[3]["one"]) == (("2.6.0",), ("2.7.0",), ("",))
    text = compare.runs_text(one, two)
    assert [line.split() for line in text.splitlines() if line.startswith(("torch", "timm"))] == [
        ["torch", "2.6.0", "2.7.0"],
        ["timm", "unknown", "1.0"],
    ]
    assert "peft" not in text and "created" not in text
    assert "Provenance: the same" in compare.runs_text(one, one)


def test_provenance_of_two_folders_over_the_shared_runs(records: SimpleNamespace) -> None:
    one = records.grid(("naive", "magmax"))
    two = [elsewhere(r, device="NVIDIA | H100", commit=c * 40) for r, c in zip(records.grid(("naive",)), "abcc", strict=True)]
    found = compare.folders(boards_of(one), boards_of(two))
    assert [(d.field, d.two, d.runs) for d in found.origins] == [("commit", ("a" * 40, "b" * 40), 2), ("device", ("NVIDIA | H100",), 4)]
    assert "NVIDIA \\| H100" in compare.folders_text(found)
    assert compare.folders_data(found)["provenance"][1]["runs"] == 4
    assert "Provenance: the same" in compare.folders_text(compare.folders(boards_of(one), boards_of(one)))


def test_many_values_are_cut_and_control_characters_go() -> None:
    assert origin.told(["a", "b\x1b[2J", "c", "d", "e"]) == "a, b[2J, c and 2 more"
