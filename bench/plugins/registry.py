"""The registry: methods, metrics, suites and tracks by name, from entry points, imported on first use.

A plugin is one line under `[project.entry-points."cbench.<kind>"]` in another package.
"""

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, NamedTuple

from cbench.errors import BadInput, unknown
from cbench.utils.text import one_line

Kind = Literal["methods", "metrics", "suites", "tracks"]


KINDS: tuple[Kind, ...] = ("methods", "metrics", "suites", "tracks")


OWN = "cbench"


class Local(NamedTuple):
    """A method that is not installed, and where it comes from: `file my.py`."""

    cls: Any
    origin: str


LOCAL: dict[str, Local] = {}
"""The methods of this process that are given by file or module, by name."""


def origin(kind: Kind, name: str) -> str:
    """Where a registered object comes from: `package P`, `file my.py`."""
    if kind == "methods" and name in LOCAL:
        return LOCAL[name].origin
    entry_points = entries(kind).get(name)
    return f"package {package(entry_points[0]) if entry_points else 'unknown'}"


def package(entry: EntryPoint) -> str:
    """The distribution that an entry point comes from."""
    return entry.dist.name if entry.dist else "an unnamed package"


def entries(kind: Kind) -> dict[str, list[EntryPoint]]:
    """All entry points of a kind by name; a sound name has exactly one. A built-in comes first."""
    groups: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=f"cbench.{kind}"):
        same = groups.setdefault(entry.name, [])
        if all(package(e) != package(entry) or e.value != entry.value for e in same):
            same.append(entry)
    return {name: sorted(same, key=lambda e: package(e) != OWN) for name, same in sorted(groups.items())}


def clash(kind: Kind, name: str, same: list[EntryPoint]) -> str | None:
    """What is wrong with a name, or None: two packages want it, or a plugin takes a built-in's."""
    if len(same) == 1:
        return None
    others, singular = sorted({package(e) for e in same if package(e) != OWN}), kind.removesuffix("s")
    if package(same[0]) == OWN:
        return (
            f"package {' and '.join(others) or OWN} registers the {singular} {name!r}, which "
            "is a built-in's name: the built-in is used; uninstall or rename the other"
        )
    return f"packages {' and '.join(others)} both register the {singular} {name!r}; uninstall one of them"


@cache
def _warn(line: str) -> None:
    """Say it once, on standard error."""
    print(f"cbench: {line}", file=sys.stderr)


def misplaced(kind: Kind, name: str) -> BadInput | None:
    """The error for a name that a package registers, but in another group (`cbench.method`), or None."""
    for group in sorted(entry_points().groups):
        if group == f"cbench.{kind}" or not group.startswith(f"{OWN}."):
            continue
        for entry in entry_points(group=group, name=name):
            return BadInput(
                f"package {package(entry)} registers {name!r} in the group {group!r}; "
                f"a {kind.removesuffix('s')} belongs in 'cbench.{kind}' of its pyproject.toml "
                "(then install it again)"
            )
    return None


def load(kind: Kind, name: str) -> Any:
    """The object behind a name: the built-in's, even if a plugin takes its name, which a line says. Raises
    BadInput for an unknown name (with the nearest one), two plugins of one name, or a failing import."""
    if kind == "methods" and name in LOCAL:
        return LOCAL[name].cls
    known, singular = entries(kind), kind.removesuffix("s")
    if name not in known:
        raise misplaced(kind, name) or unknown(singular, name, known)
    entry, reason = known[name][0], clash(kind, name, known[name])
    if reason and package(entry) != OWN:
        raise BadInput(reason)
    if reason:
        _warn(reason)
    try:
        return entry.load()
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise BadInput(f"package {package(entry)} fails to load its {singular} {name!r}: {reason}") from error
