"""`cbench clean` and `cbench verify` on a store of a few small entries."""

import json
import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.cli import clean
from cbench.record.record import Kept
from cbench.results import Results
from cbench.store.store import Store
from cbench.utils.process import process_id

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
NEEDED, SPARE, ADAPTER = "a" * 32, "b" * 32, "c" * 32


def fill(folder: Path) -> None:
    (folder / "images.png").write_bytes(b"pixels")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A record that cites an adapter and images, and images that nobody cites."""
    kept = Kept(adapters=(ADAPTER,) * 4, base_images=(NEEDED,), images=((NEEDED,),) * 4)
    build.write(tmp_path / "out", [build.make_record(kept=kept)])
    store = Store(tmp_path / "out" / "store")
    for kind, key in (("images", NEEDED), ("images", SPARE), ("adapters", ADAPTER), ("scores", SPARE)):
        os.utime(store.remember(kind, key, fill), (0, 0))
    return tmp_path / "out"


def dead_owner() -> str:
    program = "from cbench.utils.process import process_id; print(process_id())"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def stored(out: Path) -> set[str]:
    return {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}


def test_dry_by_default(cli, out):
    before = stored(out)
    code, output, _ = cli("clean", "--results", out)
    assert code == 0 and SPARE in output and NEEDED not in output and "would be removed" in output
    assert stored(out) == before


def test_only_what_nobody_needs_goes(cli, out):
    before = stored(out)
    assert "removed" in cli("clean", "--results", out, "--yes")[1]
    assert before - stored(out) == {
        f"store/images/bb/{SPARE}/{name}" for name in ("images.png", "checksums.json")
    }
    assert "nothing to remove" in cli("clean", "--results", out, "--yes")[1]


def test_work_of_an_interrupted_run_stays(cli, out):
    os.utime(out / "store" / "images" / "bb" / SPARE)
    assert "nothing to remove" in cli("clean", "--results", out, "--yes")[1]
    assert SPARE in cli("clean", "--results", out, "--older-than", 0)[1]


def test_folder_is_kept_below_a_size_and_the_oldest_go_first(cli, out):
    """Three entries of interrupted runs, of one, two and three hours; what records cite stays whatever the
    size."""
    store, keys = Store(out / "store"), [digit * 32 for digit in "345"]
    for hours, key in enumerate(keys, 1):
        place = store.remember(
            "images", key, lambda folder: (folder / "images.png").write_bytes(bytes(1_000_000))
        )
        os.utime(place, (0, time.time() - 3600 * hours))
    shutil.rmtree(store.folder("images", SPARE))
    assert cli("clean", "--results", out, "--max-gb", 1)[:2] == (0, "nothing to remove\n")
    code, output, _ = cli("clean", "--results", out, "--max-gb", 0.0021)
    assert (
        code == 0
        and keys[2] in output
        and keys[1] not in output
        and keys[0] not in output
        and "1 of them, 1.00 MB" in output
    )
    assert cli("clean", "--results", out, "--max-gb", 0.0021, "--yes")[0] == 0
    assert {key for key in keys if store.find("images", key)} == set(keys[:2])
    code, output, error = cli("clean", "--results", out, "--max-gb", 0, "--yes")
    assert code == 1 and "GB over 0: entries in use or cited" in error and error.count("\n") == 1
    assert (
        not any(store.find("images", key) for key in keys)
        and store.find("images", NEEDED)
        and store.find("adapters", ADAPTER)
    )


def test_leavings_of_the_dead_go_and_those_of_the_living_stay(cli, out):
    gone = dead_owner()
    for name in (f"{gone}.0123abcd", f"{process_id()}.0123abcd", "elsewhere.1.2.3.0123abcd"):
        (out / "store" / "partial" / name).mkdir(parents=True)
        (out / "records" / f".{name}").write_text("half")
    (out / "store" / "claims").mkdir(exist_ok=True)
    (out / "store" / "claims" / "images-x").write_text(gone)
    (out / "store" / "damaged" / "images-y").mkdir(parents=True)
    assert cli("clean", "--results", out, "--yes")[0] == 0
    assert sorted(p.name for p in (out / "store" / "partial").iterdir()) == sorted(
        [f"{process_id()}.0123abcd", "elsewhere.1.2.3.0123abcd"]
    )
    assert len(list((out / "records").glob(".*"))) == 2
    assert not list((out / "store" / "claims").iterdir()) and not list((out / "store" / "damaged").iterdir())


def test_what_a_machine_left_that_went_down_goes_once_it_shows_no_life(cli, out):
    elsewhere = "another-boot.1.2.3"
    left = [
        out / "claims" / "some-run",
        out / "store" / "claims" / "images-x",
        out / "records" / f".{elsewhere}.0123abcd",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text(elsewhere)
    cli("clean", "--results", out, "--yes")
    assert all(path.exists() for path in left) and (out / "store" / "images" / "bb" / SPARE).exists(), (
        "it may still be at work"
    )
    for path in left:
        os.utime(path, (0, 0))
    assert cli("clean", "--results", out, "--yes")[0] == 0
    assert not any(path.exists() for path in left) and not (out / "store" / "images" / "bb" / SPARE).exists()


def test_nothing_of_a_run_at_work_goes(cli, out):
    (out / "claims").mkdir()
    (out / "claims" / "some-run").write_text(process_id())
    before = stored(out)
    assert cli("clean", "--results", out, "--yes")[0] == 0
    assert stored(out) == before


def test_what_is_not_ours_stays_whatever_its_age(cli, out):
    others = [out / place / ".git" / "HEAD" for place in ("records", "jobs", "claims", "store/claims")]
    others += [out / "records" / ".DS_Store", out / "store" / "partial" / "notes" / "a"]
    others += [out / "records" / f".{process_id()}.0123abcd.bak"]
    for path in others:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
        for place in (path, path.parent):
            os.utime(place, (0, 0))
    assert cli("clean", "--results", out, "--yes")[0] == 0
    assert all(path.exists() for path in others)


def test_a_run_that_begins_while_old_entries_go_waits_for_it(cli, out, monkeypatch):
    """It then finds what is left; else it would cite what is just being removed."""
    fork, removed = multiprocessing.get_context("fork"), clean._remove
    spare, seen = Store(out / "store").folder("images", SPARE), out.parent / "seen"

    def run() -> None:
        with Results(out).working("some-run"):
            seen.write_text(str(spare.exists()))

    process = fork.Process(target=run)

    def remove(path: Path) -> None:
        process.start()
        time.sleep(0.5)
        assert not seen.exists()
        removed(path)

    monkeypatch.setattr(clean, "_remove", remove)
    assert cli("clean", "--results", out, "--yes")[0] == 0
    process.join(30)
    assert seen.read_text() == "False" and not list((out / "store" / "claims").iterdir())


def test_an_entry_that_was_just_used_is_not_old(cli, out):
    assert Store(out / "store").find("images", SPARE)
    assert "nothing to remove" in cli("clean", "--results", out, "--yes")[1]


def test_a_record_that_cannot_be_read_stops_it(cli, out):
    next((out / "records").iterdir()).write_text("{")
    before = stored(out)
    assert cli("clean", "--results", out, "--yes")[0] == 2
    assert stored(out) == before


def test_for_programs(cli, out):
    output = json.loads(cli("clean", "--results", out, "--json")[1])
    assert [item["about"] for item in output] == ["no record needs it"] and output[0]["bytes"] > 0


def test_sound_folder_is_verified(cli, out):
    code, output, _ = cli("verify", "--results", out)
    assert code == 0 and "4 entries, 1 records: nothing wrong" in output


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (
            lambda out: (out / f"store/images/aa/{NEEDED}/images.png").write_bytes(b"pixelS"),
            f"{NEEDED}: damaged",
        ),
        (lambda out: (out / f"store/images/bb/{SPARE}/images.png").unlink(), f"{SPARE}: damaged"),
        (
            lambda out: (out / f"store/adapters/cc/{ADAPTER}").rename(out / "gone"),
            f"cites adapters {ADAPTER}, missing in the store",
        ),
        (lambda out: next((out / "records").iterdir()).write_text("{"), "unreadable"),
        (
            lambda out: next((out / "records").iterdir()).rename(out / "records" / "other.json"),
            "contains the record mini-objects-naive-o0-s0.json",
        ),
    ],
)
def test_what_is_wrong_is_named_and_left_alone(cli, out, damage, line):
    damage(out)
    before = stored(out)
    code, output, error = cli("verify", "--results", out)
    assert code == 1 and line in output and "1 damaged or missing" in error
    assert stored(out) == before
    assert len(json.loads(cli("verify", "--results", out, "--json")[1])) == 1
