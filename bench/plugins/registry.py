"""The registry: methods, metrics, suites and tracks by name, from entry points, imported on first use.

A plugin is one line under `[project.entry-points."cbench.<kind>"]` in another package.
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
    """All entry points of a kind by name; a valid name has exactly one."""
    by_name: dict[str, list[EntryPoint]] = {}
    for entry in entry_points(group=f"cbench.{kind}"):
        same = by_name.setdefault(entry.name, [])
        if all(package(e) != package(entry) or e.value != entry.value for e in same):
            same.append(entry)
    return dict(sorted(by_name.items()))


def clash(kind: Kind, name: str, same: list[EntryPoint]) -> str | None:
    """Why several entry points clash: they use a built-in's or each other's name; None for a single one."""
    if len(same) == 1:
        return None
    singular = kind.removesuffix("s")
    others = sorted(package(e) for e in same if package(e) != OWN)
    if len(others) < len(same):
        return (
            f"package {others[0]} registers the {singular} {name!r}, which is a built-in name; uninstall or "
            "rename it"
        )
    return f"packages {' and '.join(others)} both register the {singular} {name!r}; uninstall one of them"


def load(kind: Kind, name: str) -> Any:
    """The object behind a name. Raises BadInput for an unknown name (with the nearest one), a clash, or a
    plugin that fails to import."""
    by_name, singular = entries(kind), kind.removesuffix("s")
    if name not in by_name:
        raise unknown(singular, name, by_name)
    reason = clash(kind, name, by_name[name])
    if reason:
        raise BadInput(reason)
    entry = by_name[name][0]
    try:
        return entry.load()
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise BadInput(f"package {package(entry)} fails to load its {singular} {name!r}: {reason}") from error
