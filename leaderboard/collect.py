"""From records to boards: the runs that may share a table."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from cbench.errors import BadInput, unknown
from cbench.leaderboard.io import Stored
from cbench.leaderboard.statistics import Run
from cbench.record.record import MethodRef, Record, TrackRef

BASE = "base"
"""The method that trains nothing: a reference, never ranked; its forgetting says nothing."""


class Entry(NamedTuple):
    """All runs of one method on one board."""

    method: MethodRef
    runs: dict[Run, Record]
    """The complete runs."""
    partial: dict[Run, Record]
    """The runs that ended early: shown, never averaged."""


class Board(NamedTuple):
    """What one table holds: runs of one protocol on one suite with the same data."""

    track: TrackRef
    suite: str
    suite_digest: str
    tasks: int
    entries: dict[str, Entry]
    """Method label -> its runs, base first, then by label."""

    @property
    def metrics(self) -> list[str]:
        """The metrics of all runs, in the order of the records."""
        every = (r for e in self.entries.values() for r in (*e.runs.values(), *e.partial.values()))
        return list(dict.fromkeys(metric for record in every for metric in record.scores))


def of_track(stored: Sequence[Stored], wanted: str) -> list[Stored]:
    """The records of a track, given as NAME or NAME@DIGEST (its first digits); BadInput where that leaves
    none or two protocols."""
    name, _, digest = wanted.partition("@")
    found = [s for s in stored if s.record.track.name == name and s.record.track.digest.startswith(digest)]
    if not found:
        raise unknown("track", wanted, {s.record.track.name for s in stored})
    examples = {s.record.track.digest: s for s in found}
    if len(examples) > 1:
        one, two = list(examples.values())[:2]
        raise BadInput(
            f"two protocols are named {name}: {one.path} and {two.path}; "
            f"choose by digest: {name}@{one.record.track.digest[:12]} or "
            f"{name}@{two.record.track.digest[:12]}"
        )
    return found


def of_suite(stored: Sequence[Stored], suite: str) -> list[Stored]:
    """The records of a suite; BadInput where there are none."""
    found = [s for s in stored if s.record.suite == suite]
    if not found:
        raise unknown("suite", suite, {s.record.suite for s in stored})
    return found


def _entry(stored: Sequence[Stored]) -> Entry:
    """One method's runs. BadInput names both files of a run that is there twice, and of two methods that go
    by one label."""
    first = stored[0]
    seen: dict[Run, Stored] = {}
    for one in stored:
        run = one.record.order, one.record.seed
        if run in seen:
            label = one.record.method.label
            raise BadInput(
                f"{seen[run].path} and {one.path} are both {label}, order {run[0]}, seed {run[1]}; keep one"
            )
        if one.record.method.version != first.record.method.version:
            label = one.record.method.label
            raise BadInput(
                f"{first.path} and {one.path} hold different versions of {label}; their numbers do not mix, "
                "keep one version"
            )
        if (one.record.method.regime, one.record.method.options) != (
            first.record.method.regime,
            first.record.method.options,
        ):
            label = one.record.method.label
            raise BadInput(
                f"{first.path} and {one.path} are both of {label}, but of another regime or other options; "
                "one of them was edited"
            )
        seen[run] = one
    runs = {run: s.record for run, s in seen.items()}
    return Entry(
        first.record.method,
        {run: r for run, r in runs.items() if r.complete},
        {run: r for run, r in runs.items() if not r.complete},
    )


def _board_key(stored: Stored) -> tuple[str, str, int, str, str]:
    record = stored.record
    return record.track.name, record.track.digest, record.track.version, record.suite, record.suite_digest


def _row_key(stored: Stored) -> tuple[bool, str]:
    return stored.record.method.name != BASE, stored.record.method.label


def _one_stream(stored: Sequence[Stored]) -> None:
    """BadInput where not all learn the same tasks, in the same places within an order: cells and pairs would
    be of different tasks."""
    first, by_order = stored[0], dict[int, Stored]()
    for one in stored:
        if sorted(one.record.tasks) != sorted(first.record.tasks):
            raise BadInput(
                f"{first.path} and {one.path} are of one suite but learn different tasks; one of them was "
                "edited"
            )
        alike = by_order.setdefault(one.record.order, one)
        if alike.record.tasks != one.record.tasks:
            raise BadInput(
                f"{alike.path} and {one.path} are both of order {one.record.order} but order the tasks "
                "otherwise; one was edited"
            )


def _board(stored: Sequence[Stored]) -> Board:
    first = stored[0]
    _one_stream(stored)
    rows = groupby(stored, key=_row_key)
    entries = {label: _entry(list(group)) for (_, label), group in rows}
    return Board(
        first.record.track, first.record.suite, first.record.suite_digest, len(first.record.tasks), entries
    )


def boards(stored: Sequence[Stored], track: str | None = None, suite: str | None = None) -> list[Board]:
    """The boards of some records, sorted by track and suite; records of different digests never share one.

    The result does not depend on the order of the records. BadInput on a run that is there twice and on a
    filter that fits nothing."""
    chosen = of_track(stored, track) if track else stored
    chosen = of_suite(chosen, suite) if suite else chosen
    chosen = sorted(
        chosen, key=lambda s: (_board_key(s), _row_key(s), s.record.order, s.record.seed, str(s.path))
    )
    return [_board(list(group)) for _, group in groupby(chosen, key=_board_key)]
