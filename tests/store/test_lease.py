"""Claims between real processes."""

import errno
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from cbench.store import lease as leases
from cbench.store.lease import busy, clear, inspect_lease, lease, remove
from cbench.utils.interrupt import check_interrupt
from cbench.utils.process import host_id, is_dead, process_id
from cbench.utils.process import start_time as alive

fork = multiprocessing.get_context("fork")
ELSEWHERE = "0b0b0b0b-another-boot.4026531836.7.7"


def hold(path: Path, held, let_go) -> None:
    with lease(path):
        held.set()
        let_go.wait(30)


def work(path: Path, held, let_go) -> None:
    with lease(path):
        held.set()
        while not let_go.wait(0.05):
            check_interrupt()


def die_holding(path: Path) -> None:
    with lease(path):
        os._exit(1)


def count(path: Path, tally: Path) -> None:
    """Twenty times: read a number and write the next one, which only works alone."""
    for _ in range(20):
        with lease(path):
            number = int(tally.read_text())
            time.sleep(0.001)
            tally.write_text(str(number + 1))


def started(target, *arguments):
    process = fork.Process(target=target, args=arguments)
    process.start()
    return process


def test_holder_keeps_others_out_until_it_lets_go(tmp_path):
    path, held, let_go = tmp_path / "claims" / "a", fork.Event(), fork.Event()
    process = started(hold, path, held, let_go)
    assert held.wait(30) and busy(path)
    let_go.set()
    with lease(path):
        assert path.read_text() == process_id()
    process.join(30)
    assert not path.exists() and not busy(path)


def test_only_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "PAUSE", 0.002)
    (tmp_path / "tally").write_text("0")
    workers = [started(count, tmp_path / "a", tmp_path / "tally") for _ in range(3)]
    for worker in workers:
        worker.join(60)
    assert (tmp_path / "tally").read_text() == "60"


def test_claim_of_the_dead_is_taken_at_once(tmp_path):
    process = started(die_holding, tmp_path / "a")
    process.join(30)
    owner = (tmp_path / "a").read_text()
    assert is_dead(owner) and not is_dead(process_id()) and not busy(tmp_path / "a")
    began = time.monotonic()
    with lease(tmp_path / "a"):
        assert time.monotonic() - began < 10 < leases.PATIENCE


@pytest.mark.parametrize("hangs", [True, False])
def test_claim_of_a_process_that_hangs_is_taken_though_its_heart_beats(tmp_path, monkeypatch, hangs):
    """Its process lives, and its thread that touches claims; but no work goes on in it."""
    monkeypatch.setattr(leases, "BEAT", 0.05)
    monkeypatch.setattr(leases, "HANG", 0.5)
    monkeypatch.setattr(leases, "PATIENCE", 1.5)
    path, held, let_go = tmp_path / "a", fork.Event(), fork.Event()
    process = started(hold if hangs else work, path, held, let_go)
    assert held.wait(30)
    taken = fork.Event()
    other = started(hold, path, taken, let_go)
    try:
        assert taken.wait(4) == hangs and process.is_alive()
    finally:
        let_go.set()
        process.join(30)
        other.join(30)
    assert not path.exists()


def test_a_zombie_is_dead(tmp_path):
    process = started(die_holding, tmp_path / "a")
    while not (tmp_path / "a").exists() or alive(process.pid):
        time.sleep(0.01)
    assert not busy(tmp_path / "a"), "killed, but its parent has not looked yet"
    process.join(30)


@pytest.mark.parametrize("stamp", [0, 4_000_000_000])
def test_claim_of_another_machine_is_taken_once_it_stands_still_whatever_its_clock_says(
    tmp_path, monkeypatch, stamp
):
    monkeypatch.setattr(leases, "PATIENCE", 0.5)
    path = tmp_path / "a"
    path.write_text(ELSEWHERE)
    os.utime(path, (stamp, stamp))
    assert not is_dead(ELSEWHERE) and not busy(path), "by the file system's clock it was not touched lately"
    began = time.monotonic()
    with lease(path):
        assert time.monotonic() - began >= 0.5 and path.read_text() == process_id()


def test_claim_of_another_machine_is_busy_while_it_is_touched(tmp_path):
    (tmp_path / "a").write_text(ELSEWHERE)
    assert busy(tmp_path / "a")
    clear(tmp_path / "a")
    assert (tmp_path / "a").exists()


def test_claim_that_was_taken_over_is_not_removed_by_who_saw_the_dead_owner_too(tmp_path):
    path = tmp_path / "a"
    path.write_text(ELSEWHERE)
    seen = inspect_lease(path)
    remove(path, seen)
    assert not path.exists()
    with lease(path):
        remove(path, seen)
        assert path.read_text() == process_id() and [p.name for p in tmp_path.iterdir()] == ["a"]


def test_only_one_takes_the_claim_of_the_dead(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "PAUSE", 0.001)
    process = started(die_holding, tmp_path / "a")
    process.join(30)
    owner = (tmp_path / "a").read_text()
    for turn in range(5):
        (tmp_path / f"a{turn}").write_text(owner)
        (tmp_path / f"tally{turn}").write_text("0")
        workers = [started(count, tmp_path / f"a{turn}", tmp_path / f"tally{turn}") for _ in range(4)]
        for worker in workers:
            worker.join(60)
        assert (tmp_path / f"tally{turn}").read_text() == "80"


def test_a_claim_appears_with_its_owner(tmp_path, monkeypatch):
    """There is no moment at which it is empty, whose owner is killed then."""
    link, seen = os.link, []
    monkeypatch.setattr(os, "link", lambda one, two: seen.append(Path(one).read_text()) or link(one, two))
    with lease(tmp_path / "a"):
        assert seen == [process_id()] and [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(one, two):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with lease(tmp_path / "a"):
        assert (tmp_path / "a").read_text() == process_id()
        assert leases._create(tmp_path / "a") is None
        assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert not list(tmp_path.iterdir())


def test_an_empty_claim_costs_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "EMPTY", 0.3)
    (tmp_path / "a").touch()
    assert busy(tmp_path / "a"), "its owner may be about to write its name"
    began = time.monotonic()
    with lease(tmp_path / "a"):
        assert 0.3 <= time.monotonic() - began < 5


@pytest.mark.parametrize(
    "text", ["²", "{host}.².5", "{host}.٧.7", "{host}." + "9" * 30 + ".1", "\0", "a.b.c.d"]
)
def test_a_claim_of_nonsense_ends_by_its_age(tmp_path, monkeypatch, text):
    monkeypatch.setattr(leases, "PATIENCE", 0.3)
    (tmp_path / "a").write_text(text.format(host=host_id()))
    with lease(tmp_path / "a"):
        assert (tmp_path / "a").read_text() == process_id()


def test_a_claim_that_is_a_fifo_hangs_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "PATIENCE", 0.3)
    os.mkfifo(tmp_path / "a")
    with lease(tmp_path / "a"):
        assert (tmp_path / "a").read_text() == process_id()


def test_a_claim_that_cannot_be_read_now_is_no_free_one(tmp_path, monkeypatch):
    (tmp_path / "a").write_text(process_id())

    def fail(path):
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr(leases, "open_file", fail)
    with pytest.raises(OSError, match="Too many open files"):
        busy(tmp_path / "a")


def test_removal_that_was_killed_halfway_hinders_nobody(tmp_path):
    process = started(die_holding, tmp_path / "a.over")
    process.join(30)
    (tmp_path / "a").write_text((tmp_path / "a.over").read_text())
    with lease(tmp_path / "a"):
        assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_owner_whose_file_is_gone_works_on(tmp_path, monkeypatch, capfd):
    """NFS answers ESTALE to who touches a file that another machine removed."""
    monkeypatch.setattr(leases, "BEAT", 0.01)

    def stale(handle: int) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(leases.os, "utime", stale)
    held, let_go = fork.Event(), fork.Event()
    process = started(hold, tmp_path / "a", held, let_go)
    assert held.wait(30)
    time.sleep(0.1)
    let_go.set()
    process.join(30)
    assert process.exitcode == 0 and not capfd.readouterr().err and not (tmp_path / "a").exists()


def test_claim_that_shows_life_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "PATIENCE", 1.0)
    path = tmp_path / "a"
    path.write_text(ELSEWHERE)

    def live() -> None:
        for beat in range(8):
            time.sleep(0.25)
            os.utime(path, (beat, beat))
        path.unlink()

    process, began = started(live), time.monotonic()
    with lease(path):
        assert time.monotonic() - began > 1.5, "longer than the patience, for the owner showed life"
    process.join(30)


def test_owner_shows_life(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT", 0.05)
    held, let_go = fork.Event(), fork.Event()
    process = started(hold, tmp_path / "a", held, let_go)
    assert held.wait(30)
    first = leases.inspect_lease(tmp_path / "a")
    time.sleep(0.5)
    assert leases.inspect_lease(tmp_path / "a") != first
    let_go.set()
    process.join(30)


def test_child_does_not_show_life_for_its_parent(tmp_path):
    with lease(tmp_path / "a"):
        assert len(leases._held) == 1
        process = started(lambda: os._exit(len(leases._held)))
        process.join(30)
    assert process.exitcode == 0 and not leases._held


@pytest.mark.parametrize("text", ["", "nonsense", "a.b.c.d", "\udcff"])
def test_claim_of_nonsense_does_not_block_for_ever(tmp_path, monkeypatch, text):
    monkeypatch.setattr(leases, "PATIENCE", 0.2)
    (tmp_path / "a").write_bytes(text.encode("utf-8", "surrogateescape"))
    with lease(tmp_path / "a"):
        pass
    assert not (tmp_path / "a").exists()


def test_owner_that_lost_its_claim_leaves_the_new_one_alone(tmp_path):
    with lease(tmp_path / "a"):
        (tmp_path / "a").unlink()
        (tmp_path / "a").write_text(ELSEWHERE)
    assert (tmp_path / "a").read_text() == ELSEWHERE
