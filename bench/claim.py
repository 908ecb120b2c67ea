"""Claims: who works on what, so that processes that share a results folder do not do the same work twice.

A claim is a file made with O_EXCL (atomic on network file systems too; no flock) that its owner touches every few seconds. No two clocks
are compared: a watcher takes a claim over when its owner is seen to be dead, or when the claim has not changed for a while by the
watcher's own monotonic clock. Only speed depends on claims; where two take one, the store keeps the first of two equal results.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

BEAT = 5.0
"""Seconds between two signs of life."""
PATIENCE = 60.0
"""Seconds without a sign of life after which a claim of another machine is taken over."""
PAUSE = 0.1
Sight = tuple[str, int] | None
"""What a watcher sees of a claim: its owner, and when it was touched; None where it is gone."""


@cache
def place() -> str:
    """This boot of this kernel, and this process namespace: owners of one place can see each other."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}.{''.join(filter(str.isdigit, str(Path('/proc/self/ns/pid').readlink())))}"


def started(pid: int) -> str:
    """When a process started, in ticks since the boot; empty where there is none, or only its exit status is left."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else rest[18]


def me() -> str:
    """This process, as no other is called: may be part of a file's name."""
    return f"{place()}.{os.getpid()}.{started(os.getpid())}"


def dead(owner: str) -> bool:
    """Whether an owner is known to have ended; False also for one of another machine, of which nothing is known."""
    where, _, process = owner.partition(".")
    namespace, _, process = process.partition(".")
    pid, _, start = process.partition(".")
    return f"{where}.{namespace}" == place() and pid.isdigit() and started(int(pid)) != start


def look(path: Path) -> Sight:
    """The claim as it is now."""
    try:
        return path.read_text(errors="replace"), path.stat().st_mtime_ns
    except OSError:
        return None


def busy(path: Path) -> bool:
    """Whether somebody holds the claim, as far as one look can tell."""
    seen = look(path)
    return seen is not None and not dead(seen[0])


@contextmanager
def claim(path: Path) -> Iterator[None]:
    """Hold a claim, waiting while another process does."""
    handle, over = _take(path), threading.Event()
    beat = threading.Thread(target=_beat, args=(handle, over), daemon=True)
    beat.start()
    try:
        yield
    finally:
        over.set()
        beat.join()
        os.close(handle)
        seen = look(path)
        if seen and seen[0] == me():
            path.unlink(missing_ok=True)


def _take(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    began = since = time.monotonic()
    told, seen = False, look(path)
    while True:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR)
        except FileExistsError:
            now = look(path)
            since = since if now == seen else time.monotonic()
            seen = now
            if time.monotonic() - since > PATIENCE or (now and (dead(now[0]) or now[0] == me())):
                path.unlink(missing_ok=True)
                continue
            told = told or _say(path, began)
            time.sleep(PAUSE)
        else:
            os.write(handle, me().encode())
            return handle


def _say(path: Path, began: float) -> bool:
    if time.monotonic() - began < BEAT:
        return False
    print(f"another process works on {path.name}; waiting for it", file=sys.stderr, flush=True)
    return True


def _beat(handle: int, over: threading.Event) -> None:
    # through the handle: were the claim taken over, the new owner's file would not be touched
    while not over.wait(BEAT):
        os.utime(handle)
