"""Leases: processes that share a results folder do not do the same work twice.

A lease is a file that appears with its owner's name in it, by a link (atomic on network file systems too; no
flock), and that its owner touches every few seconds while its work makes progress. Clocks of two machines are
never compared: a watcher takes a lease over if its owner is known to be dead, or if the lease has not changed
for a while by the watcher's own monotonic clock. Leases only save time: if two processes get one, the store
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
"""Seconds between two touches of a lease."""


PATIENCE = 60.0
"""Seconds without a touch after which a lease of another machine is taken over."""


HANG = 30 * 60.0
"""Seconds without progress after which a hanging process stops touching its leases."""


EMPTY = 3.0
"""Seconds after which a claim without an owner is nobody's: its process ended before it wrote its name."""


PAUSE = 0.1
"""Seconds between two attempts to take a lease."""


NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS, errno.EACCES)
"""What file systems without links say."""


UNREADABLE = "unreadable"
"""The owner of a claim that this process may not read."""


OVER = ".over"
"""Suffix of the lease on the removal of a lease."""


LONGEST = 1000
"""Bytes of an owner that are read."""


BEATER = "cbench claims"
"""Name of the thread that touches the leases."""


_held: set[int] = set()
"""File handles of this process's leases: the only state of this module, read by the touching thread."""


_touching = threading.Lock()


LeaseState = tuple[str, int] | None
"""A lease as a watcher sees it: its owner, and when it was touched; None if it is gone."""


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
    """Whether the lease is held; on another machine, whether its owner has touched it lately."""
    seen = inspect_lease(path)
    if seen is None or is_dead(seen[0]):
        return False
    return seen[0].startswith(f"{host_id()}.") or not stale(path, EMPTY if not seen[0] else PATIENCE)


def stale(path: Path, patience: float = PATIENCE) -> bool:
    """Whether a file was not touched lately, by the clock of the file system that it lies on (a server's,
    where it is shared)."""
    try:
        # outside the folder of leases, which others list
        with TemporaryFile(dir=path.parent.parent) as fresh:
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
    """Hold a lease; waits while another process holds it."""
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
        waits = waits or _announce(path, began)
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
    linked = False
    try:
        os.write(handle, process_id().encode())
        linked = _linked(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        if not linked:
            os.close(handle)
    return handle if linked else None


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
    """Remove a lease that its owner left, if it is still the one that was seen.

    Guarded by a lease on the removal: otherwise, of two processes that saw the same dead owner, the slower
    would remove the new lease of the faster."""
    with lease(path.with_name(f"{path.name}{OVER}")):
        if inspect_lease(path) == seen:
            path.unlink(missing_ok=True)


def clear(path: Path) -> None:
    """Remove a lease if nobody holds it."""
    seen = inspect_lease(path)
    if seen and not busy(path):
        remove(path, seen)


def _announce(path: Path, began: float) -> bool:
    if time.monotonic() - began < BEAT:
        return False
    print(f"another process is working on {path.name}; waiting for it", file=sys.stderr, flush=True)
    return True


def _start_to_beat() -> None:
    """One thread for each process, started early: without free memory Python could not start one."""
    if not any(thread.name == BEATER for thread in threading.enumerate()):
        threading.Thread(target=_beat, name=BEATER, daemon=True).start()


def _beat() -> None:
    while True:
        time.sleep(BEAT)
        if seconds_since_progress() > HANG:
            continue
        with _touching:
            for handle in _held:  # not by path: after a takeover that is the new owner's file
                with suppress(OSError):  # NFS no longer knows a file that another machine removed
                    os.utime(handle)


def _forget() -> None:
    global _touching
    _held.clear()
    _touching = threading.Lock()


os.register_at_fork(after_in_child=_forget)
