"""Files and folders: atomic writes and sizes on disk."""

import os
import uuid
from pathlib import Path

from cbench.store.process import process_id


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file by way of a temporary name, so that readers see the old or the new one, never a part; a
    text in UTF-8."""
    partial = path.with_name(f".{process_id()}.{uuid.uuid4().hex[:8]}")
    try:
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def disk_usage(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total
