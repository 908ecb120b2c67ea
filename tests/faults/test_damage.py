"""Stored files are damaged in every way; the same command run again ends with the bytes of an undisturbed
run."""

import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

DICE = random.Random(2)
KINDS = ("adapters", "images", "scores")


def truncate(path: Path, other: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path, other: Path) -> None:
    data = bytearray(path.read_bytes())
    data[DICE.randrange(len(data))] ^= 1 << DICE.randrange(8)
    path.write_bytes(data)


def replace(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def replace_with_its_sums(path: Path, other: Path) -> None:
    """The whole of another entry under this key: the checksums hold, only the key is wrong."""
    for file in other.parent.iterdir():
        shutil.copy(file, path.parent / file.name)


def delete(path: Path, other: Path) -> None:
    path.unlink()


def delete_entry(path: Path, other: Path) -> None:
    shutil.rmtree(path.parent)


def empty(path: Path, other: Path) -> None:
    path.write_bytes(b"")


def add(path: Path, other: Path) -> None:
    (path.parent / "more.bin").write_bytes(b"x")


def no_sums(path: Path, other: Path) -> None:
    (path.parent / "checksums.json").unlink()


DAMAGES = (truncate, flip, replace, delete, delete_entry, replace_with_its_sums, empty, add, no_sums)


def files(out: Path, kind: str) -> list[Path]:
    names = ("adapter.safetensors", "images.png", "scores.json")
    return sorted(p for p in (out / "store" / kind).rglob("*") if p.name in names)


def test_every_damage_is_mended(cli, command, bytes_of, tmp_path):
    whole = tmp_path / "whole"
    assert cli(*command(whole))[0] == 0
    wanted = bytes_of(whole)
    for damage in DAMAGES:
        out = tmp_path / damage.__name__
        shutil.copytree(whole, out)
        for kind in KINDS:
            damage(*DICE.sample(files(out, kind), 2))
        code, _, error = cli(*command(out))
        assert code == 0 and "are damaged or gone; they are made again" in error, error
        assert bytes_of(out) == wanted, damage.__name__
        assert "made again" not in cli(*command(out))[2]
        assert cli("verify", "--results", out)[0] == 0


def test_a_finished_run_without_its_store_is_made_again(cli, command, bytes_of, tmp_path):
    assert cli(*command(tmp_path / "out"))[0] == 0
    wanted = bytes_of(tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "store")
    assert cli(*command(tmp_path / "out"))[0] == 0 and bytes_of(tmp_path / "out") == wanted


def test_what_vanishes_while_running_is_one_line_or_made_again(start, finish, command, bytes_of, tmp_path):
    assert finish(command(tmp_path / "whole"))[0] == 0
    process, log = start(command(tmp_path / "out"))
    removed = 0
    while process.is_alive():
        for entry in (tmp_path / "out" / "store").glob("images/*/*"):
            if removed < 3 and DICE.random() < 0.3:
                shutil.rmtree(entry, ignore_errors=True)
                removed += 1
        time.sleep(0.01)
    process.join()
    assert removed and process.exitcode in (0, 2, 3) and "Traceback" not in log.read_text(), log.read_text()
    shutil.rmtree(tmp_path / "out" / "records")
    code, output = finish(command(tmp_path / "out"))
    assert code == 0, output
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of its own, which `mount` lets us make; gives it and a function that changes its
    options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options: str) -> bool:
        return (
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True
            ).returncode
            == 0
        )

    if not mount("size=150k"):
        pytest.skip("mount is not allowed here")
    yield place, mount
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_full_disk_is_one_line_and_the_run_goes_on_once_there_is_space(
    cli, command, bytes_of, small_disk, tmp_path
):
    place, mount = small_disk
    code, _, error = cli(*command(place / "out"))
    assert code == 2 and "no space left" in error and "run the same command again" in error, error
    assert mount("remount,size=64m")
    assert cli(*command(place / "out"))[0] == 0
    assert cli(*command(tmp_path / "whole"))[0] == 0
    assert bytes_of(place / "out") == bytes_of(tmp_path / "whole")


def test_read_only_folder_is_one_line(cli, command, small_disk):
    place, mount = small_disk
    (place / "out").mkdir()
    assert mount("remount,ro")
    code, _, error = cli(*command(place / "out"))
    assert code == 2 and error.count("\n") == 1 and "cannot be written: Read-only file system" in error
