"""Identity of the code that makes the numbers: cbench's own files, and the file of a method from
elsewhere."""

import inspect
from importlib import import_module
from pathlib import Path

from cbench.contract import Method
from cbench.digest import digest_file, digest_json

PACKAGES = (
    "cbench",
    "cbench.cli",
    "cbench.stages",
    "cbench.methods",
    "cbench.metrics",
    "cbench.datasets",
    "cbench.leaderboard",
)


def code_digest(method: type[Method]) -> str:
    """Digest of every source file of cbench, and of the method's own."""
    places = [(name, Path(str(import_module(name).__file__)).parent) for name in PACKAGES]
    files = [
        (f"{name}/{path.name}", digest_file(path))
        for name, place in places
        for path in sorted(place.glob("*.py"))
    ]
    return digest_json([*files, digest_file(Path(inspect.getfile(method)))])
