"""Two runs and two folders side by side."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard import compare
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.files import Stored


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
