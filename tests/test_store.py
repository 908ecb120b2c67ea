import json

import pytest

from cbench.store import Store, write_whole


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
    write_whole(path, json.dumps(1))
    write_whole(path, json.dumps(2))
    assert path.read_text() == "2" and [p.name for p in tmp_path.iterdir()] == ["a.json"]
