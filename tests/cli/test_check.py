"""`cbench check`."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cbench.cli import main
from cbench.leaderboard.baseline import read

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["check", *map(str, words)])
    return stop.value.code


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return build.write(tmp_path / "results", build.grid(("naive", "merge_init")))


@pytest.fixture
def base(home: Path, capsys: pytest.CaptureFixture) -> Path:
    path = home.parent / "baseline.json"
    assert call(home, "--baseline", path, "--update") == 0
    assert "wrote" in capsys.readouterr().out
    return path


def first(home: Path) -> Path:
    return home / "records" / "mini-objects-naive-o0-s0.json"


def worsen(data: dict[str, Any]) -> None:
    data["scores"]["mini_dino"]["rows"][3] = [v - 0.1 for v in data["scores"]["mini_dino"]["rows"][3]]


def nudge(data: dict[str, Any]) -> None:
    data["scores"]["mini_dino"]["rows"][3][0] += 1e-12


def test_passes(home: Path, base: Path, capsys: pytest.CaptureFixture) -> None:
    assert call(home, "--baseline", base, "--exact") == 0
    assert "bit for bit the baseline's" in capsys.readouterr().out
    assert call(home, "--baseline", base) == 0
    assert "Tolerance: 3 standard deviations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("damage", "words", "code", "verdict"),
    [
        (lambda p: build.damage(p, worsen), [], 1, "worse"),
        (lambda p: build.damage(p, nudge), [], 0, "within"),
        (lambda p: build.damage(p, nudge), ["--exact"], 1, "differs"),
        (
            lambda p: build.damage(p, lambda d: d["scores"]["mini_dino"]["rows"][3].__setitem__(0, None)),
            [],
            1,
            "unreadable",
        ),
        (
            lambda p: build.damage(
                p, lambda d: d["scores"]["mini_dino"]["rows"][3].__setitem__(0, float("nan"))
            ),
            [],
            1,
            "unreadable",
        ),
        (lambda p: build.damage(p, lambda d: d.update(schema_version=3)), [], 1, "unreadable"),
        (lambda p: p.write_text(p.read_text()[:-40]), [], 1, "unreadable"),
        (lambda p: build.damage(p, lambda d: d["track"].update(digest="e" * 64)), [], 1, "incomparable"),
        (lambda p: build.damage(p, lambda d: d["scores"]["mini_dino"]["rows"].pop()), [], 3, "incomplete"),
        (lambda p: p.unlink(), [], 3, "missing"),
        (lambda p: p.with_name("copy.json").write_text(p.read_text()), [], 1, "duplicate"),
    ],
)
def test_damage(
    home: Path,
    base: Path,
    capsys: pytest.CaptureFixture,
    damage: Any,
    words: list[str],
    code: int,
    verdict: str,
) -> None:
    damage(first(home))
    before = base.read_bytes()
    assert call(home, "--baseline", base, "--json", *words) == code
    outcomes = json.loads(capsys.readouterr().out)["outcomes"]
    assert verdict in {outcome["verdict"] for outcome in outcomes}
    assert base.read_bytes() == before


def test_as_good(home: Path, base: Path, capsys: pytest.CaptureFixture) -> None:
    fresh = build.write(home.parent / "fresh", build.grid(("naive", "merge_init"), seeds=(7, 8)))
    assert call(fresh, "--baseline", base) == 1
    capsys.readouterr()
    assert call(fresh, "--baseline", base, "--as-good", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] and len(report["judgements"]) == 8
    for path in (fresh / "records").glob("*naive*"):
        build.damage(path, worsen)
    assert call(fresh, "--baseline", base, "--as-good", "--false-alarms", "0.05") == 1
    assert "as good as before, within the spread of several runs" in capsys.readouterr().out
    assert call(fresh, "--baseline", base, "--as-good", "--exact") == 2


def test_markdown(home: Path, base: Path, capsys: pytest.CaptureFixture) -> None:
    build.damage(first(home), worsen)
    assert call(home, "--baseline", base, "--markdown") == 1
    shown = capsys.readouterr()
    assert shown.out.startswith("### cbench check")
    assert "cbench: check failed: 1 worse" in shown.err


@pytest.mark.parametrize("content", ["not json", "{}", '{"schema_version": 9, "tolerances": []}'])
def test_another_file_is_no_baseline_and_is_never_overwritten(
    home: Path, capsys: pytest.CaptureFixture, content: str
) -> None:
    path = home.parent / "README.md"
    path.write_text(content)
    for words in ([], ["--update"]):
        assert call(home, "--baseline", path, *words) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert path.read_text() == content


def test_the_baseline_of_another_track_is_never_overwritten(
    home: Path, base: Path, capsys: pytest.CaptureFixture
) -> None:
    other = build.write(home.parent / "other", [build.make_record(track="sdxl", digest="e" * 64)])
    before = base.read_bytes()
    assert call(other, "--baseline", base, "--update") == 2
    assert "is a baseline of another track" in capsys.readouterr().err
    assert base.read_bytes() == before
    assert call(other, "--baseline", base) == 1


def test_update_refuses_what_it_cannot_read(home: Path, base: Path) -> None:
    before = base.read_bytes()
    first(home).write_text("{")
    assert call(home, "--baseline", base, "--update") == 2
    assert base.read_bytes() == before


def test_no_baseline_and_no_records(home: Path, tmp_path: Path, base: Path) -> None:
    assert call(home, "--baseline", tmp_path / "absent.json") == 2
    assert call(tmp_path / "absent", "--baseline", base) == 2
    assert call(home) == 2


def emptied(data: dict[str, Any]) -> None:
    for found in data["tolerances"]:
        found["summaries"] = {}


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (emptied, "tolerances of objects merge_init mini_clip_i lack average_forgetting"),
        (
            lambda d: d["tolerances"][3]["summaries"].pop("gain_retained"),
            "the tolerances of objects naive mini_dino lack gain_retained",
        ),
        (
            lambda d: d["runs"][0]["summaries"]["mini_dino"].pop("plasticity"),
            "summaries of some runs lack plasticity",
        ),
    ],
)
def test_a_baseline_that_would_leave_a_summary_unchecked(
    home: Path, base: Path, capsys: pytest.CaptureFixture, damage: Any, complaint: str
) -> None:
    build.damage(base, damage)
    assert call(home, "--baseline", base) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["fresh", "records"])
def test_our_own_baselines_are_whole(name: str) -> None:
    assert read(Path(__file__).parents[2] / "leaderboard" / "baselines" / f"{name}.json").runs
