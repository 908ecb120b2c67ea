"""The store: results of the stages, each kept once under the digest of its inputs.

An entry is a folder `<kind>/<first two digits>/<key>/` that holds its files and `checksums.json`. It is written under a temporary name and
renamed, so it is there whole or not at all; it is verified when read, and a damaged one is set aside and made again.
"""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from cbench.digest import digest_file
from cbench.errors import BadInput

SUMS = "checksums.json"


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
        if sound(folder):
            return folder
        aside = self.root / "damaged" / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
        aside.parent.mkdir(parents=True, exist_ok=True)
        folder.replace(aside)
        return None

    def remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The folder of the entry; where it is missing, `make` fills a new folder first."""
        found = self.find(kind, key)
        return found or self._add(kind, key, make)

    def _add(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        folder = self.folder(kind, key)
        partial = self.root / "partial" / uuid.uuid4().hex
        try:
            partial.mkdir(parents=True)
            make(partial)
            seal(partial)
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.rename(folder)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise BadInput(f"no space left for {self.root}; free some and run the same command again") from error
            raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder


def seal(folder: Path) -> None:
    """Write the checksums of a folder's files, and flush them to the disk."""
    sums = {p.name: digest_file(p) for p in sorted(folder.iterdir())}
    write_whole(folder / SUMS, json.dumps(sums, indent=1))
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def sound(folder: Path) -> bool:
    """Whether the folder's files are those that were sealed."""
    try:
        sums = json.loads((folder / SUMS).read_text())
        return bool(sums) and all(digest_file(folder / name) == value for name, value in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def write_whole(path: Path, text: str) -> None:
    """Write a text file by way of a temporary name, so that readers see the old or the new one, never a part."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
