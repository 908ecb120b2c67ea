"""Identity of the code behind the numbers: cbench's source files, and the file of a plugin's method."""

import inspect
from importlib import import_module
from pathlib import Path

from cbench.method import Method
from cbench.utils.digest import digest_file, digest_json

ROOTS = ("cbench", "cbench.methods", "cbench.metrics", "cbench.datasets", "cbench.leaderboard")
"""The packages whose folders may be apart, as in an editable install."""


def source_files() -> dict[str, Path]:
    """Every source file of cbench: `cbench/record/files.py` -> its path."""
    return {
        f"{root.replace('.', '/')}/{path.relative_to(folder)}": path
        for root in ROOTS
        for folder in map(Path, import_module(root).__path__)
        for path in sorted(folder.rglob("*.py"))
    }


def code_digest(method: type[Method]) -> str:
    """Digest of every source file of cbench, and of the method's own."""
    files = sorted((name, digest_file(path)) for name, path in source_files().items())
    return digest_json([*files, digest_file(Path(inspect.getfile(method)))])
