"""The store: results of the stages, each stored once under the digest of its inputs.

An entry is a folder `<kind>/<first two digits>/<key>/` with its files and `checksums.json`. It is written
under a temporary name and renamed, so it is complete or absent; it is verified when read, and a damaged entry
is set aside and recomputed."""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cbench.errors import BadInput
from cbench.store.lease import lease
from cbench.utils.digest import digest_file
from cbench.utils.process import process_id

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
        """The folder of an intact entry, or None; a damaged entry is moved to `damaged/`."""
        folder = self.folder(kind, key)
        if not folder.is_dir():
            return None
        if is_intact(folder):
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
                f"{kind} {key} are not in {self.root}; move the record away and `cbench run` recreates them"
            )
        return folder

    def remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of the entry; `make` fills a missing one, by one process while others wait."""
        folder = self.find(kind, key)
        if folder:
            return folder
        with lease(self.root / "claims" / f"{kind}-{key}"):
            return self.find(kind, key) or self._add(kind, key, make)

    def _add(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        folder = self.folder(kind, key)
        partial = self.root / "partial" / f"{process_id()}.{uuid.uuid4().hex[:8]}"
        try:
            partial.mkdir(parents=True)
            make(partial)
            seal(partial, key)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.rename(folder)
            except OSError:  # another process was faster; the error depends on the file system
                if not folder.is_dir():
                    raise
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


def is_intact(folder: Path) -> bool:
    """Whether the folder has exactly the files that were sealed under this key, unchanged."""
    try:
        sums = json.loads((folder / SUMS).read_text())
        if sums.pop("", folder.name) != folder.name:  # the first stores did not save their keys
            return False
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {SUMS}
        return (
            bool(sums)
            and set(sums) == names
            and all(digest_file(folder / name) == value for name, value in sums.items())
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return False
