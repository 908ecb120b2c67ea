"""`cbench leaderboard`."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import main
from cbench.leaderboard.summaries import SUMMARIES
from cbench.plan import open_track

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["leaderboard", *map(str, words)])
    return stop.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return build.write(tmp_path / "results", build.grid() + build.grid(suite="styles", metrics=("mini_csd",)))


def test_prints_and_writes_the_same(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home) == 0
    shown = capsys.readouterr().out
    assert shown.count("## ") == 4  # two boards, and the published order beside each
    assert call(home, "--out", tmp_path / "page.md") == 0
    assert (tmp_path / "page.md").read_text() == shown
    assert call(home, "-o", tmp_path / "again.md") == 0
    assert (tmp_path / "again.md").read_bytes() == (tmp_path / "page.md").read_bytes()


def test_options(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--suite", "styles", "--stats", "--against", "magmax") == 0
    shown = capsys.readouterr().out
    assert "objects" not in shown
    assert "Paired differences from `magmax`" in shown


def test_sort(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--sort", "average_forgetting", "--json", "--suite", "objects") == 0
    rows = json.loads(capsys.readouterr().out)[0]["rows"]
    assert [row["method"] for row in rows] == ["magmax", "merge_init", "naive", "base"]


def test_json(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--json") == 0
    assert [board["suite"] for board in json.loads(capsys.readouterr().out)] == ["objects", "styles"]


def test_json_with_stats_holds_what_the_page_shows(home: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--json") == 0
    bare = json.loads(capsys.readouterr().out)
    assert call(home, "--json", "--stats") == 0
    full = json.loads(capsys.readouterr().out)
    naive = next(row for row in full[0]["rows"] if row["method"] == "naive")["stats"]
    found = {(cell["summary"], cell["metric"]): cell for cell in naive["summaries"]}
    assert {summary for summary, _ in found} == set(SUMMARIES)
    kept = found["gain_retained", "mini_dino"]
    assert kept["n"] == 4 and kept["std"] is None
    assert kept["interval"][0] < kept["mean"] < kept["interval"][1]
    assert naive["costs"]["sample_seconds"] == 100
    assert [sum(cell[part] for part in ("order", "seed", "task", "rest")) for cell in naive["variance"]] == [
        pytest.approx(1)
    ] * 4
    for row in (row for board in full for row in board["rows"]):
        row.pop("stats")
    assert full == bare


def test_results_folder_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CBENCH_RESULTS", str(home))
    assert call() == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--suite", "stiles"], "unknown suite 'stiles'; did you mean 'styles'?"),
        (["--track", "minni"], "unknown track 'minni'; did you mean 'mini'?"),
        (["--sort", "average_scor"], "unknown column 'average_scor'; did you mean 'average_score'?"),
        (["--against", "magmix"], "unknown method 'magmix'; did you mean 'magmax'?"),
    ],
)
def test_unknown_names(home: Path, capsys: pytest.CaptureFixture, words: list[str], complaint: str) -> None:
    assert call(home, *words) == 2
    assert complaint in capsys.readouterr().err


def test_bad_folders(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "empty").mkdir()
    for folder, complaint in (("file", "is a file"), ("empty", "no records in"), ("absent", "no records in")):
        assert call(tmp_path / folder) == 2
        error = capsys.readouterr().err
        assert complaint in error
        assert error.count("\n") == 1


def test_mixed_tracks(home: Path, capsys: pytest.CaptureFixture) -> None:
    other = build.write(home.parent / "other", build.grid(digest="e" * 64))
    assert call(home, other) == 0
    assert capsys.readouterr().out.count("## objects: track mini") == 2
    assert call(home, other, "--track", "mini") == 2
    assert "two protocols are named mini" in capsys.readouterr().err
    assert call(home, other, "--track", "mini@e") == 0


def test_a_run_twice(home: Path, capsys: pytest.CaptureFixture) -> None:
    other = build.write(home.parent / "other", [build.make_record()])
    assert call(home, other) == 2
    assert "are both naive, order 0, seed 0" in capsys.readouterr().err


def test_an_unreadable_record_writes_nothing(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    page = tmp_path / "page.md"
    page.write_text("kept")
    build.damage(next((home / "records").iterdir()), lambda data: data.update(schema_version=99))
    assert call(home, "--out", page) == 2
    assert "newer than this cbench reads" in capsys.readouterr().err
    assert page.read_text() == "kept"


def test_imports_no_torch(home: Path) -> None:
    program = (
        "import sys; from cbench.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'matplotlib', 'scipy.stats'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "leaderboard", str(home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_committed_page_is_of_the_committed_records(capsys: pytest.CaptureFixture) -> None:
    """LEADERBOARD.md holds what the command makes of the records beside the code, by the mini track as it is
    now."""
    root = Path(__file__).parents[2]
    assert call(root / "leaderboard", "--stats") == 0
    assert capsys.readouterr().out.strip() == (root / "LEADERBOARD.md").read_text().strip()
    digests = {
        json.loads(path.read_text())["track"]["digest"]
        for path in (root / "leaderboard" / "records").glob("*.json")
    }
    assert digests == {open_track("mini").digest}
