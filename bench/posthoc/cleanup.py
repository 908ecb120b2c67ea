"""Lists a results folder's store: entries, damaged entries, and entries that can be removed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from cbench.errors import CbenchError
from cbench.record.cited import cited_entries
from cbench.record.files import read_record
from cbench.results import Results
from cbench.store.lease import busy, lease, stale
from cbench.store.store import is_intact
from cbench.utils.files import TEMPORARY, disk_usage
from cbench.utils.process import is_dead

KINDS = ("adapters", "measurements", "images", "scores")


DAY = 24 * 60 * 60.0


class Item(NamedTuple):
    """A file or folder with a remark."""

    path: Path
    about: str
    size: int


def age(path: Path) -> float:
    """Seconds since a file or folder was last changed; 0 if it is gone."""
    with suppress(OSError):
        return time.time() - path.stat().st_mtime
    return 0.0


def entries(results: Results) -> Iterator[tuple[str, Path]]:
    """Every entry of the store: (kind, folder)."""
    for kind in KINDS:
        for folder in sorted((results.store.root / kind).glob("*/*")):
            yield kind, folder


def damaged(results: Results) -> list[Item]:
    """Damaged entries, unreadable records, and cited entries that the store lacks or has damaged."""
    items = [
        Item(folder, about, disk_usage(folder))
        for _, folder in entries(results)
        if (about := trouble(folder))
    ]
    stored = {(kind, folder.name) for kind, folder in entries(results)}
    for path in results.record_files():
        try:
            record = read_record(path)
        except CbenchError as error:
            items.append(Item(path, f"unreadable: {error}", disk_usage(path)))
            continue
        items += [
            Item(path, f"cites {kind} {key}, missing in the store", 0)
            for kind, key in sorted(cited_entries(record) - stored)
        ]
        if record.file_name != path.name:
            items.append(Item(path, f"contains the record {record.file_name}", 0))
    return items


def trouble(folder: Path) -> str:
    """Why an entry cannot be used; empty if it is intact."""
    try:
        return "" if is_intact(folder) else "damaged"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def removable(results: Results, days: float, free: float = 0.0) -> list[Item]:
    """The items to remove: leftovers of dead processes, damaged entries set aside, and entries older than
    `days` that no record cites.

    Younger entries may belong to an interrupted run, whose record does not cite them yet. They are removed
    too, the oldest first, if less than `free` bytes would be freed otherwise. Scores stay: they are a few
    bytes each, and older records do not name them. Raises BadInput if a record cannot be read, since its
    entries are then unknown."""
    cited = {entry for path in results.record_files() for entry in cited_entries(read_record(path))}
    items = [Item(f, "left by a process that died", disk_usage(f)) for f in leftovers(results)]
    aside = sorted((results.store.root / "damaged").glob("*"))
    items += [Item(f, "damaged, set aside", disk_usage(f)) for f in aside]
    freed = sum(item.size for item in items)
    for old, folder in [] if in_use(results) else _uncited(results, cited):
        if old >= days * DAY or freed < free:
            items.append(Item(folder, "no record needs it", disk_usage(folder)))
            freed += items[-1].size
    return items


def _uncited(results: Results, cited: set[tuple[str, str]]) -> list[tuple[float, Path]]:
    """(age, folder) of the adapters and images that no record cites, the oldest first."""
    folders = [f for kind, f in entries(results) if kind != "scores" and (kind, f.name) not in cited]
    return sorted(((age(folder), folder) for folder in folders), reverse=True)


def lease_folders(results: Results) -> tuple[Path, Path]:
    """Where claims lie: on chains, and on entries of the store."""
    return results.leases_folder, results.store.root / "claims"


def leases(results: Results) -> list[Path]:
    """The claims of a results folder, but for that of who cleans it."""
    own = results.store.cleaning
    return [
        path
        for place in lease_folders(results)
        for path in sorted(place.glob("*"))
        if not path.name.startswith((".", own.name))
    ]


def in_use(results: Results) -> bool:
    """Whether a process is working in a results folder."""
    return any(busy(path) for path in leases(results))


@contextmanager
def undisturbed(results: Results) -> Iterator[None]:
    """While what no record needs is removed: a run that begins waits, and one that has begun is seen."""
    with lease(results.store.cleaning):
        yield


def leftovers(results: Results) -> list[Path]:
    """Claims, half-made entries and half-written records whose process has ended: it is known to, or nobody
    works here any more. Files of other names are not ours and stay."""
    dotted = (results.records_folder, results.jobs_folder, *lease_folders(results))
    halves = [
        *sorted((results.store.root / "partial").glob("*")),
        *sorted(path for folder in dotted for path in folder.glob(".*")),
    ]
    idle = not in_use(results)
    dead = [
        half
        for half in halves
        if (match := TEMPORARY.fullmatch(half.name)) and (is_dead(match["owner"]) or (idle and stale(half)))
    ]
    return [path for path in leases(results) if not busy(path)] + dead
