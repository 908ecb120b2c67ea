"""Finding runs and writing pages."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard.io import deliver, find_run


def test_a_run_by_name_by_file_and_by_path(records: SimpleNamespace, tmp_path: Path) -> None:
    home = records.write(tmp_path, [records.make_record()])
    name = "mini-objects-naive-o0-s0"
    for run in (name, f"{name}.json", str(home / "records" / f"{name}.json")):
        assert find_run(run, home).record == records.make_record()


@pytest.mark.parametrize(
    ("run", "complaint"),
    [
        ("mini-objects-naiv-o0-s0", "did you mean 'mini-objects-naive-o0-s0'"),
        ("elsewhere/run.json", "No such file"),
        ("x" * 5000 + ".json", "name too long"),
    ],
)
def test_unknown_runs(records: SimpleNamespace, tmp_path: Path, run: str, complaint: str) -> None:
    home = records.write(tmp_path, [records.make_record()])
    with pytest.raises(BadInput, match=complaint):
        find_run(run, home)


def test_no_results_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there are no records in"):
        find_run("run", tmp_path / "results")


def test_deliver(tmp_path: Path) -> None:
    assert deliver("page\n", None) == "page"
    path = tmp_path / "new" / "page.md"
    assert deliver("page\n", path) == f"wrote {path}"
    assert path.read_text() == "page\n"
    (tmp_path / "file").write_text("kept")
    with pytest.raises(BadInput, match="cannot be written"):
        deliver("page\n", tmp_path / "file" / "page.md")
