"""Files and folders: atomic writes and sizes on disk."""

import os
import uuid
from pathlib import Path

from cbench.errors import BadInput
from cbench.utils.process import process_id

ASSETS = Path(__file__).parents[1] / "assets"
"""The data in the package."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file (text in UTF-8) under a temporary name and rename it: readers see the old content or the
    new, never a part."""
    temporary = path.with_name(f".{process_id()}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file atomically, with its folders. Raises BadInput if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
