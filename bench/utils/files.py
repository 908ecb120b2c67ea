"""Files and folders: atomic writes and sizes on disk."""

import errno
import os
import re
import stat
import sys
import uuid
from pathlib import Path
from typing import BinaryIO

from cbench.errors import BadInput
from cbench.utils.process import process_id

ASSETS = Path(__file__).parents[1] / "assets"
"""The data in the package."""


TEMPORARY = re.compile(r"\.?(?P<owner>[\w-]+\.[0-9]+\.[0-9]+\.[0-9]*)\.[0-9a-f]{8}", re.ASCII)
"""The name of a file or folder that a process (its owner) has not finished; no other name is ours."""


def temporary_name() -> str:
    """A name for what this process has not finished."""
    return f"{process_id()}.{uuid.uuid4().hex[:8]}"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file (text in UTF-8) under a temporary name and rename it: readers see the old content or the
    new, never a part, and what is there after a power cut is one of the two.

    A link stays, and its target is written; so does a device or a FIFO, which takes the content."""
    data = content.encode() if isinstance(content, str) else content
    place = _stream(path)
    if place is None:
        _replace(Path(os.path.realpath(path)) if path.is_symlink() else path, data)
        return
    sys.stdout.flush()
    with open(place, "wb", buffering=0, closefd=isinstance(place, Path)) as file:
        while data:
            data = data[file.write(data) or 0 :]


def _stream(path: Path) -> Path | int | None:
    """What takes the content as it is: this process's own output, a device or a FIFO; None for a file."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    for own in (1, 2):
        try:
            if os.path.samestat(os.fstat(own), about):
                return own
        except OSError:  # closed
            continue
    return None if stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode) else path


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{temporary_name()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: a rename then outlives a power cut. A file system that cannot,
    or a folder that may not be read, is no error."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EROFS):
            raise
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder with those above it; the new ones outlive a power cut."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in missing:
        sync_folder(place.parent)


def open_file(path: Path) -> BinaryIO:
    """A file open for reading. OSError for a FIFO, into which nobody may ever write; a pipe of the shell
    (`/dev/fd/63`) is none."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISFIFO(os.fstat(handle).st_mode) and not str(path).startswith(("/dev/", "/proc/")):
        os.close(handle)
        raise OSError(errno.EINVAL, "is a FIFO, no file; move it away", str(path))
    os.set_blocking(handle, True)
    return os.fdopen(handle, "rb")


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file atomically, with its folders. Raises BadInput if that fails."""
    try:
        make_folder(path.parent)
        write_atomically(path, content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from error


def disk_usage(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; a file that vanishes meanwhile counts as 0."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
