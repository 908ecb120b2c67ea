"""The store: results of the stages, each stored once under the digest of its inputs.

An entry is a folder `<kind>/<first two digits>/<key>/` that holds its files and `checksums.json`. It is
written under a temporary name and renamed, so it is there whole or not at all; it is verified when read, and
a damaged one is set aside and made again. An entry that cannot be read just now is not damaged: that is an
error, and the entry stays."""

import errno
import json
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cbench.errors import BadInput
from cbench.store.lease import lease
from cbench.utils.digest import digest_file
from cbench.utils.files import make_folder, open_file, sync_folder, temporary_name

SUMS = "checksums.json"


COST = "cost.json"
"""The one file of an entry that differs when it is recomputed: the time that took."""


class Store:
    """Entries below a folder, shared by any number of processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, kind: str, key: str) -> Path:
        """The path of an entry, whether it exists or not."""
        return self.root / kind / key[:2] / key

    def find(self, kind: str, key: str) -> Path | None:
        """The folder of a sound entry, or None; a damaged one is moved to `damaged/`. OSError if it cannot be
        read."""
        folder = self.folder(kind, key)
        if not is_there(folder):
            return None
        if is_intact(folder):
            with suppress(OSError):  # read only: nobody cleans there
                os.utime(folder)  # its age is that of its last use
            return folder
        aside = self.root / "damaged" / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another process moved it first
            folder.rename(aside)
        return None

    def require(self, kind: str, key: str) -> Path:
        """The folder of an entry that a record cites. Raises BadInput if it is missing or damaged."""
        folder = self.find(kind, key)
        if folder is None:
            raise BadInput(
                f"{kind} {key} are not in {self.root}; the run's own `cbench run` makes them again"
            )
        return folder

    @property
    def cleaning(self) -> Path:
        """The claim of who removes what no record needs."""
        return self.root / "claims" / "cleaning"

    def remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of the entry; `make` fills a missing one, by one process while others wait."""
        folder = self.find(kind, key)
        if folder:
            return folder
        with lease(self.root / "claims" / f"{kind}-{key}"):
            return self.find(kind, key) or self._add(kind, key, make)

    def _add(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        folder = self.folder(kind, key)
        partial = self.root / "partial" / temporary_name()
        try:
            partial.mkdir(parents=True)
            make(partial)
            seal(partial, key)
            make_folder(folder.parent)
            try:
                partial.rename(folder)
            except OSError:  # another process was faster; the error depends on the file system
                if not folder.is_dir():
                    raise
            sync_folder(folder.parent)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise BadInput(
                    f"no space left for {self.root}; free some and run the same command again"
                ) from error
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder


def seal(folder: Path, key: str) -> None:
    """Write the key and the checksums of a folder's files, and flush them to the disk."""
    sums = {"": key} | {p.name: digest_file(p) for p in sorted(folder.iterdir())}
    (folder / SUMS).write_text(json.dumps(sums, indent=1))
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


GONE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL)
"""What the system says of a file that is not there, or is something else: damage. All else is a failed
read."""


def is_there(folder: Path) -> bool:
    """Whether a folder is there. OSError if the system cannot say."""
    try:
        return stat.S_ISDIR(folder.stat().st_mode)
    except OSError as error:
        if error.errno in GONE:
            return False
        raise


def is_intact(folder: Path) -> bool:
    """Whether the folder's files are those that were sealed under this key, no more and no less. OSError if
    one of them cannot be read: it may be sound."""
    try:
        return _matches(folder)
    except OSError as error:
        if error.errno in GONE:
            return False
        raise OSError(error.errno, error.strerror, error.filename or str(folder)) from error
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False


def _matches(folder: Path) -> bool:
    with open_file(folder / SUMS) as file:
        sums = json.loads(file.read())
    if sums.pop("", folder.name) != folder.name:  # the first stores did not say their keys
        return False
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {SUMS}
    return (
        bool(sums)
        and set(sums) == names
        and all(stat.S_ISREG((folder / name).stat().st_mode) for name in names)
        and all(digest_file(folder / name) == value for name, value in sums.items())
    )
