"""Two results folders side by side."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard import compare_folders
from cbench.leaderboard.collect import Board, boards
from cbench.leaderboard.io import Stored


def boards_of(records: list) -> list[Board]:
    return boards([Stored(Path(r.file_name), r) for r in records])


def test_unequal_versions_of_two_folders_are_told(records: SimpleNamespace) -> None:
    found = compare_folders.compare(
        boards_of(records.grid(("naive", "magmax"))), boards_of(records.grid(("naive",), version=3))
    )
    assert "objects: naive is version 1 in the first and 3 in the second" in compare_folders.text(found)
    assert len(compare_folders.data(found)["notes"]) == 1


def test_two_folders(records: SimpleNamespace) -> None:
    one, two = records.grid(("naive", "magmax")), records.grid(("naive", "merge_init"))[1:]
    found = compare_folders.compare(boards_of(one), boards_of(two))
    assert {m.method for m in found.moved} == {"naive"}
    assert {(m.difference.n, m.difference.mean, m.equal) for m in found.moved} == {(3, 0, 3)}
    assert found.only_one[0] == "mini-objects-magmax-o0-s0"
    assert len(found.only_one) == 5
    assert len(found.only_two) == 4
    assert "Only in the second: `mini-objects-merge_init-o0-s0`" in compare_folders.text(found)
    assert compare_folders.data(found)["moved"][0]["column"] == {
        "summary": "average_score",
        "metric": "mini_clip_i",
    }


def test_folders_of_other_tracks_share_nothing(records: SimpleNamespace) -> None:
    found = compare_folders.compare(
        boards_of([records.make_record()]), boards_of([records.make_record(digest="x" * 64)])
    )
    assert "share no complete run" in compare_folders.text(found)


def test_provenance_of_two_folders_over_the_shared_runs(records: SimpleNamespace) -> None:
    one = records.grid(("naive", "magmax"))
    two = [
        records.elsewhere(r, device="NVIDIA | H100", commit=c * 40)
        for r, c in zip(records.grid(("naive",)), "abcc", strict=True)
    ]
    found = compare_folders.compare(boards_of(one), boards_of(two))
    assert [(d.field, d.two, d.runs) for d in found.origins] == [
        ("commit", ("a" * 40, "b" * 40), 2),
        ("device", ("NVIDIA | H100",), 4),
    ]
    assert "NVIDIA \\| H100" in compare_folders.text(found)
    assert compare_folders.data(found)["provenance"][1]["runs"] == 4
    assert "Provenance: the same" in compare_folders.text(
        compare_folders.compare(boards_of(one), boards_of(one))
    )


def test_folders_without_a_shared_metric_do_not_compare(records: SimpleNamespace) -> None:
    one, two = records.make_record(metrics=("mini_dino",)), records.make_record(metrics=("mini_csd",))
    with pytest.raises(BadInput, match="both folders have share no metric"):
        compare_folders.compare(boards_of([one]), boards_of([two]))


def test_runs_that_lack_a_metric_are_not_counted_as_equal_in_it(records: SimpleNamespace) -> None:
    """One of three runs has no prompt alignment in either folder, another has it in the first alone."""
    runs = records.grid(("naive",))[:3]
    bare = [
        r.model_copy(update={"scores": {m: s for m, s in r.scores.items() if m != "mini_clip_i"}})
        for r in runs
    ]
    found = compare_folders.compare(boards_of([*runs[:2], bare[2]]), boards_of([runs[0], *bare[1:]]))
    told = {(moved.column.metric, moved.difference.n, moved.equal) for moved in found.moved}
    assert told == {("mini_dino", 3, 3), ("mini_clip_i", 1, 1)}
