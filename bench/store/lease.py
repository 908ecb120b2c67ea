"""Claims: who works on what, so that processes that share a results folder do not do the same work twice.

A claim is a file that appears with its owner's name in it, by a link (atomic on network file systems too; no
flock), and that its owner touches every few seconds, while its work goes on. No clocks of two machines are
compared: a watcher takes a claim over when its owner is seen to be dead, or when the claim has not changed
for a while by the watcher's own monotonic clock. Only speed depends on claims; where two take one, the store
keeps the first of two equal results."""

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from cbench.utils.files import open_file, temporary_name
from cbench.utils.interrupt import check_interrupt, seconds_since_progress
from cbench.utils.process import host_id, is_dead, process_id

BEAT = 5.0
"""Seconds between two signs of life."""


PATIENCE = 60.0
"""Seconds without a sign of life after which a claim of another machine is taken over."""


HANG = 30 * 60.0
"""Seconds without a step of work after which a process no longer touches its claims: it hangs, and others may
go on."""


EMPTY = 3.0
"""Seconds after which a claim without an owner is nobody's: its process ended before it wrote its name."""


PAUSE = 0.1


NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES)
"""What file systems without links say."""


UNREADABLE = "unreadable"
"""The owner of a claim that this process may not read."""


OVER = ".over"
"""Ends the name of the claim on the removal of a claim."""


LONGEST = 1000
"""Bytes of an owner that are read."""


BEATER = "cbench claims"


_held: set[int] = set()
"""The claims that this process holds: the one state of this module, by which the beating thread knows what to
touch."""


_touching = threading.Lock()


LeaseState = tuple[str, int] | None
"""What a watcher sees of a claim: its owner, and when it was touched; None where it is gone."""


def inspect_lease(path: Path) -> LeaseState:
    """The claim as it is now. OSError if the system cannot say."""
    try:
        return _owner(path), path.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return None


def _owner(path: Path) -> str:
    try:
        with open_file(path) as file:
            return file.read(LONGEST).decode(errors="replace")
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EISDIR, errno.EINVAL, errno.ENXIO):
            return UNREADABLE
        raise


def busy(path: Path) -> bool:
    """Whether somebody holds the claim, as far as one look can tell: an owner of another machine must have
    shown life lately."""
    seen = inspect_lease(path)
    if seen is None or is_dead(seen[0]):
        return False
    return seen[0].startswith(f"{host_id()}.") or not stale(path, EMPTY if not seen[0] else PATIENCE)


def stale(path: Path, patience: float = PATIENCE) -> bool:
    """Whether a file was not touched lately, by the clock of the file system that it lies on (a server's,
    where it is shared)."""
    try:
        with TemporaryFile(
            dir=path.parent.parent
        ) as fresh:  # beside the folder of claims, where nobody looks
            now = os.fstat(fresh.fileno()).st_mtime_ns
    except OSError:  # read only
        now = time.time_ns()
    try:
        return (
            abs(now - path.stat().st_mtime_ns) > patience * 1e9
        )  # a stamp of the future, too: who lives touches it in seconds
    except OSError:
        return True


@contextmanager
def lease(path: Path) -> Iterator[None]:
    """Hold a claim, waiting while another process does."""
    check_interrupt()
    _start_to_beat()
    handle = _take(path)
    with _touching:
        _held.add(handle)
    try:
        yield
    finally:
        with _touching:
            _held.discard(handle)
        try:
            _let_go(path, handle)
        finally:
            os.close(handle)


def _let_go(path: Path, handle: int) -> None:
    """Remove the claim, if it is still the one that was taken."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(handle), path.stat()):
            path.unlink()


def _take(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    began = since = time.monotonic()
    waits, seen = False, inspect_lease(path)
    while (handle := _create(path)) is None:
        now = inspect_lease(path)
        since = since if now == seen else time.monotonic()
        seen = now
        if now and _is_left(now[0], time.monotonic() - since):
            remove(path, now)
            continue
        waits = waits or _say(path, began)
        check_interrupt()  # who waits does not hang
        time.sleep(PAUSE)
    return handle


def _is_left(owner: str, unchanged: float) -> bool:
    """Whether the owner of a claim no longer works, after so many seconds without a change."""
    patience = PATIENCE if owner else min(EMPTY, PATIENCE)
    return unchanged > patience or is_dead(owner) or owner == process_id()


def _create(path: Path) -> int | None:
    """A handle of the new claim, or None if there is one."""
    temporary = path.with_name(f".{temporary_name()}")
    handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
    made = False
    try:
        os.write(handle, process_id().encode())
        made = _linked(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        if not made:
            os.close(handle)
    return handle if made else None


def _linked(temporary: Path, path: Path) -> bool:
    """Whether the claim got its name; False if it is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:  # or a network file system whose answer was lost
        return temporary.stat().st_nlink == 2
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _renamed(temporary, path)
    return True


def _renamed(temporary: Path, path: Path) -> bool:
    """As `_linked`, on a file system without links: the name is taken first, empty, then filled."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except FileExistsError:
        return False
    temporary.replace(path)
    return True


def remove(path: Path, seen: LeaseState) -> None:
    """Remove a claim that its owner left, if it is still the one that was seen.

    One at a time, by a claim on the removal: else of two that saw the same dead owner, the slower would
    remove the claim of the faster."""
    with lease(path.with_name(f"{path.name}{OVER}")):
        if inspect_lease(path) == seen:
            path.unlink(missing_ok=True)


def clear(path: Path) -> None:
    """Remove a claim if nobody holds it."""
    seen = inspect_lease(path)
    if seen and not busy(path):
        remove(path, seen)


def _say(path: Path, began: float) -> bool:
    if time.monotonic() - began < BEAT:
        return False
    print(f"another process works on {path.name}; waiting for it", file=sys.stderr, flush=True)
    return True


def _start_to_beat() -> None:
    """One thread a process: where memory has ended, Python waits for ever for a new one."""
    if not any(thread.name == BEATER for thread in threading.enumerate()):
        threading.Thread(target=_beat, name=BEATER, daemon=True).start()


def _beat() -> None:
    while True:
        time.sleep(BEAT)
        if seconds_since_progress() > HANG:
            continue
        with _touching:
            for handle in (
                _held
            ):  # a handle, no name: were the claim taken over, the new owner's file would not be touched
                with suppress(
                    OSError
                    # removed by another machine, NFS no longer knows the file: its owner works on
                ):
                    os.utime(handle)


def _forget() -> None:
    global _touching
    _held.clear()
    _touching = threading.Lock()


os.register_at_fork(after_in_child=_forget)
