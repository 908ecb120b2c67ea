import errno
import json
import multiprocessing
import os
import shutil
from pathlib import Path

import pytest

from cbench.errors import BadInput
from cbench.store.store import Store
from cbench.utils.files import write_atomically


def fill(folder):
    (folder / "value.txt").write_text("42")


def test_made_once_and_found_again(tmp_path):
    store, calls = Store(tmp_path), []
    for _ in range(2):
        folder = store.remember("things", "abc123", lambda f: (calls.append(1), fill(f)))
    assert (folder / "value.txt").read_text() == "42" and len(calls) == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "delete", "sums"])
def test_damaged_entry_is_set_aside_and_made_again(tmp_path, damage):
    store = Store(tmp_path)
    folder = store.remember("things", "abc123", fill)
    value = folder / "value.txt"
    {
        "truncate": lambda: value.write_text(""),
        "flip": lambda: value.write_text("43"),
        "delete": value.unlink,
        "sums": lambda: (folder / "checksums.json").write_text("[]"),
    }[damage]()
    assert store.find("things", "abc123") is None
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    assert (store.remember("things", "abc123", fill) / "value.txt").read_text() == "42"


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.EACCES])
@pytest.mark.parametrize("place", ["open_file", "digest_file"])
def test_a_failed_read_is_no_damage(tmp_path, monkeypatch, code, place):
    store = Store(tmp_path)
    folder = store.remember("things", "abc123", fill)

    def fail(path):
        raise OSError(code, os.strerror(code), str(path))

    with monkeypatch.context() as broken:
        broken.setattr(f"cbench.store.store.{place}", fail)
        for use in (store.find, lambda *entry: store.remember(*entry, fill)):
            with pytest.raises(OSError, match=os.strerror(code)):
                use("things", "abc123")
    assert not (tmp_path / "damaged").exists() and store.find("things", "abc123") == folder


def test_a_fifo_in_an_entry_is_damage(tmp_path):
    store = Store(tmp_path)
    folder = store.remember("things", "abc123", fill)
    for name in ("value.txt", "checksums.json"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert store.find("things", "abc123") is None
        folder = store.remember("things", "abc123", fill)


def test_what_is_promised_is_flushed(tmp_path, monkeypatch):
    """The entry's files, its folder, the folder of its name, and every new folder above."""
    flushed, fsync = [], os.fsync

    def flush(handle):
        flushed.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", flush)
    Store(tmp_path / "out" / "store").remember("things", "abc123", fill)
    names = [path.replace(str(tmp_path), "") for path in flushed]
    assert names[-1] == "/out/store/things/ab", "after the rename"
    assert {"", "/out", "/out/store", "/out/store/things"} & set(names) >= {"/out/store", "/out/store/things"}
    assert sum("/partial/" in name for name in names) == 3, "two files and their folder"


def test_failed_making_leaves_nothing(tmp_path):
    store = Store(tmp_path)

    def broken(folder):
        fill(folder)
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        store.remember("things", "abc123", broken)
    assert store.find("things", "abc123") is None and not list((tmp_path / "partial").iterdir())


def test_loser_of_a_race_takes_the_winners_entry(tmp_path):
    store = Store(tmp_path)

    def raced(folder):
        (folder / "value.txt").write_text("late")
        store.remember("things", "abc123", fill)

    assert (store.remember("things", "abc123", raced) / "value.txt").read_text() == "42"


def test_write_whole_replaces(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, json.dumps(1))
    write_atomically(path, json.dumps(2))
    assert path.read_text() == "2" and [p.name for p in tmp_path.iterdir()] == ["a.json"]


def add_a_line(folder):
    fill(folder)
    with (folder.parents[1] / "made").open("a") as file:
        file.write("x")


def work(root):
    for number in range(5):
        Store(root).remember("things", f"{number:032x}", add_a_line)


def test_processes_share_the_work(tmp_path):
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=work, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert (tmp_path / "made").read_text() == "xxxxx", "each entry is made once"
    assert not list((tmp_path / "partial").iterdir()) and not list((tmp_path / "claims").iterdir())


def test_full_disk_is_named(tmp_path):
    def full(folder):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "value.txt"))

    with pytest.raises(BadInput, match=r"no space left for .*; free some and run the same command again"):
        Store(tmp_path).remember("things", "abc123", full)
    assert not list((tmp_path / "partial").iterdir())


@pytest.mark.parametrize(
    "sums",
    ['{"../../precious": "0"}', "[" * 100_000, '{"value.txt": 5}', "null", "\x00", '{"value.txt": null}'],
)
def test_checksums_of_nonsense_are_damage(tmp_path, sums):
    store = Store(tmp_path)
    folder = store.remember("things", "abc123", fill)
    (folder / "checksums.json").write_text(sums)
    assert store.find("things", "abc123") is None


def test_another_entrys_files_are_damage(tmp_path):
    store = Store(tmp_path)
    folder = store.remember("things", "abc123", fill)
    other = store.remember("things", "abc456", lambda f: (f / "value.txt").write_text("7"))
    shutil.copy(other / "value.txt", folder / "value.txt")
    assert store.find("things", "abc123") is None and store.find("things", "abc456") == other


def test_a_file_too_many_is_damage(tmp_path):
    store = Store(tmp_path)
    (store.remember("things", "abc123", fill) / "more.txt").write_text("x")
    assert store.find("things", "abc123") is None
