"""The registry: methods, metrics, suites and tracks by name, from entry points, imported only when they are
used.

A plugin is one line under `[project.entry-points."cbench.<kind>"]` in somebody else's package.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from cbench.errors import BadInput, unknown
from cbench.utils.text import one_line

Kind = Literal["methods", "metrics", "suites", "tracks"]


KINDS: tuple[Kind, ...] = ("methods", "metrics", "suites", "tracks")


OWN = "cbench"


def package(entry: EntryPoint) -> str:
    """The distribution that an entry point comes from."""
    return entry.dist.name if entry.dist else "an unnamed package"


def entries(kind: Kind) -> dict[str, list[EntryPoint]]:
    """All entry points of a kind by name; a sound name has exactly one."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=f"cbench.{kind}"):
        same = found.setdefault(entry.name, [])
        if all(package(e) != package(entry) or e.value != entry.value for e in same):
            same.append(entry)
    return dict(sorted(found.items()))


def trouble(kind: Kind, name: str, same: list[EntryPoint]) -> str | None:
    """Why a name cannot be used, or None: two packages want it, or a plugin takes a built-in's."""
    if len(same) == 1:
        return None
    others = sorted(package(e) for e in same if package(e) != OWN)
    if len(others) < len(same):
        return (
            f"package {others[0]} registers the {kind.removesuffix('s')} {name!r}, which is a built-in's "
            "name; uninstall or rename it"
        )
    return (
        f"packages {' and '.join(others)} both register the {kind.removesuffix('s')} {name!r}; uninstall "
        "one of them"
    )


def load(kind: Kind, name: str) -> Any:
    """The object behind a name. BadInput: no such name (the nearest is suggested), a clash, a plugin that
    fails to import."""
    found = entries(kind)
    if name not in found:
        raise unknown(kind.removesuffix("s"), name, found)
    clash = trouble(kind, name, found[name])
    if clash:
        raise BadInput(clash)
    entry = found[name][0]
    try:
        return entry.load()
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise BadInput(
            f"package {package(entry)} fails to load its {kind.removesuffix('s')} {name!r}: {reason}"
        ) from error
