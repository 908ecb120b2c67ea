"""The store: results of the stages, each kept once under the digest of its inputs.

An entry is a folder `<kind>/<first two digits>/<key>/` that holds its files and `checksums.json`. It is
written under a temporary name and renamed, so it is there whole or not at all; it is verified when read, and
a damaged one is set aside and made again."""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from cbench.errors import BadInput
from cbench.store.lease import lease
from cbench.utils.digest import digest_file
from cbench.utils.process import process_id

SUMS = "checksums.json"


COST = "cost.json"
"""The one file of an entry that differs when it is made again: how long that took."""


class Store:
    """Entries below a folder, shared by any number of processes."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, kind: str, key: str) -> Path:
        """Where an entry lies."""
        return self.root / kind / key[:2] / key

    def find(self, kind: str, key: str) -> Path | None:
        """The folder of a sound entry, or None; a damaged one is moved to `damaged/`."""
        folder = self.folder(kind, key)
        if not folder.is_dir():
            return None
        if is_intact(folder):
            return folder
        aside = self.root / "damaged" / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(aside)
        except FileNotFoundError:  # another process was faster
            return None
        return None

    def cited(self, kind: str, key: str) -> Path:
        """The folder of an entry that a record cites; BadInput where it is gone or damaged."""
        found = self.find(kind, key)
        if found is None:
            raise BadInput(
                f"{kind} {key} are not in {self.root}; `cbench run` makes them again once the record is "
                "moved away"
            )
        return found

    def remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of the entry; where it is missing, `make` fills a new folder first. While another
        process makes it, this one waits."""
        found = self.find(kind, key)
        if found:
            return found
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
            except OSError:  # of which kind depends on the file system
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
    """Whether the folder's files are those that were sealed under this key, no more and no less."""
    try:
        sums = json.loads((folder / SUMS).read_text())
        if sums.pop("", folder.name) != folder.name:  # the first stores did not say their keys
            return False
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} - {SUMS}
        return (
            bool(sums)
            and set(sums) == names
            and all(digest_file(folder / name) == value for name, value in sums.items())
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return False
