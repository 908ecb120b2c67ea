"""Which records may share a board, and what is refused."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard.collect import boards
from cbench.leaderboard.io import Stored, load


def stored(records: list) -> list[Stored]:
    return [Stored(Path(f"{k}.json"), record) for k, record in enumerate(records)]


def test_boards_do_not_depend_on_the_order_of_the_records(records: SimpleNamespace) -> None:
    every = stored(records.grid() + records.grid(suite="styles", metrics=("mini_csd",)))
    assert boards(every) == boards(every[::-1])
    assert [b.suite for b in boards(every)] == ["objects", "styles"]
    assert next(iter(boards(every)[0].entries)) == "base"


def test_digests_never_share_a_board(records: SimpleNamespace) -> None:
    mixed = stored(records.grid(digest="a" * 64) + records.grid(digest="b" * 64))
    assert [b.track.digest[0] for b in boards(mixed)] == ["a", "b"]
    with pytest.raises(
        BadInput,
        match=r"two protocols are named mini: .*json and .*json; choose by digest: mini@a+ or mini@b+$",
    ):
        boards(mixed, track="mini")
    assert [b.track.digest[0] for b in boards(mixed, track="mini@b")] == ["b"]


def test_data_of_another_digest_never_share_a_board(records: SimpleNamespace) -> None:
    assert len(boards(stored([records.make_record(), records.make_record(suite_digest="t" * 64)]))) == 2


def test_a_run_twice_names_both_files(records: SimpleNamespace) -> None:
    with pytest.raises(BadInput, match=r"0\.json and 1\.json are both naive, order 0, seed 0"):
        boards(stored([records.make_record(), records.make_record()]))


def test_versions_of_a_method_do_not_mix(records: SimpleNamespace) -> None:
    with pytest.raises(BadInput, match="different versions of naive"):
        boards(stored([records.make_record(), records.make_record(seed=5, version=2)]))


def test_other_tasks_of_one_suite_are_refused(records: SimpleNamespace) -> None:
    with pytest.raises(BadInput, match="learn different tasks"):
        boards(stored([records.make_record(), records.make_record(seed=5, tasks=3)]))


def test_one_order_is_one_order_of_the_tasks(records: SimpleNamespace) -> None:
    """Pairs of one (order, seed) would otherwise compare cells of different tasks."""
    turned = records.make_record("magmax", seed=5)
    turned = turned.model_copy(update={"tasks": turned.tasks[::-1]})
    with pytest.raises(
        BadInput, match=r"1\.json and 0\.json both have order 0 but learn the tasks in different sequences"
    ):
        boards(stored([records.make_record(), turned]))


@pytest.mark.parametrize("change", [{"regime": "oracle"}, {"options": {"a": "1", "b": "2"}}])
def test_one_label_is_one_method(records: SimpleNamespace, change: dict) -> None:
    """A row takes its regime from its first record: a single edited one would turn the whole row into a
    bound."""
    own = {"options": {"a": "1,b=2"}} if "options" in change else {}
    with pytest.raises(BadInput, match="differ in regime or options"):
        boards(stored([records.make_record(**own), records.make_record(seed=5, **change)]))


def test_versions_of_a_track_never_share_a_board(records: SimpleNamespace) -> None:
    one = records.make_record()
    other = one.model_copy(update={"track": one.track.model_copy(update={"version": 2}), "seed": 5})
    assert len(boards(stored([one, other]))) == 2


def test_options_make_rows_of_their_own(records: SimpleNamespace) -> None:
    board = boards(
        stored(
            [records.make_record("ortho_init"), records.make_record("ortho_init", options={"sum": "factors"})]
        )
    )[0]
    assert list(board.entries) == ["ortho_init", "ortho_init(sum=factors)"]


@pytest.mark.parametrize(
    ("track", "suite", "hint"),
    [("mino", None, "did you mean 'mini'"), (None, "object", "did you mean 'objects'")],
)
def test_a_filter_that_fits_nothing_suggests(
    records: SimpleNamespace, track: str | None, suite: str | None, hint: str
) -> None:
    with pytest.raises(BadInput, match=hint):
        boards(stored(records.grid()), track, suite)


def test_load_reads_a_file_once(records: SimpleNamespace, tmp_path: Path) -> None:
    home = records.write(tmp_path, records.grid())
    assert len(load([home, home / "records", home])) == 16


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.update(schema_version=99), "has schema 99, newer than this cbench reads"),
        (
            lambda d: d["scores"]["mini_dino"]["rows"][1].__setitem__(0, None),
            r"mini_dino\.rows\.1\.0: Input should be a valid number",
        ),
        (
            lambda d: d["scores"]["mini_dino"]["rows"][1].__setitem__(0, float("nan")),
            r"scores\.mini_dino\.rows\.1\.0: .*finite",
        ),
        (lambda d: d["scores"]["mini_dino"]["rows"][1].pop(), "row i of a score matrix must hold"),
        (lambda d: d.update(surprise=1), "surprise: Extra inputs"),
    ],
)
def test_edited_records_are_refused(
    records: SimpleNamespace, tmp_path: Path, change: object, complaint: str
) -> None:
    home = records.write(tmp_path, [records.make_record()])
    records.damage(next((home / "records").iterdir()), change)
    with pytest.raises(BadInput, match=complaint):
        load([home])


def test_truncated_record(records: SimpleNamespace, tmp_path: Path) -> None:
    path = next((records.write(tmp_path, [records.make_record()]) / "records").iterdir())
    path.write_text(path.read_text()[:200])
    with pytest.raises(BadInput, match="is not a record"):
        load([tmp_path])
    path.write_text(json.dumps([1]))
    with pytest.raises(BadInput, match="no schema_version"):
        load([tmp_path])


def test_folders_without_records(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no records in"):
        load([tmp_path])
    file = tmp_path / "results"
    file.write_text("")
    with pytest.raises(BadInput, match="is a file; name the results folder"):
        load([file])
