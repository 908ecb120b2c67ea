"""From records to boards: each board holds the runs that may share a table."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import fsum
from typing import NamedTuple

from cbench.errors import BadInput, unknown
from cbench.leaderboard.io import Stored
from cbench.leaderboard.statistics import Run
from cbench.record.ceilings import Ceiling
from cbench.record.record import MethodRef, Record, TrackRef
from cbench.scale import Scale

BASE = "base"
"""The method that trains nothing: a reference without rank and without forgetting."""


class Entry(NamedTuple):
    """All runs of one method on one board."""

    method: MethodRef
    runs: dict[Run, Record]
    """The complete runs."""
    partial: dict[Run, Record]
    """The runs that ended early: listed, never averaged."""


class Board(NamedTuple):
    """The runs of one table: one protocol, one suite, the same data."""

    track: TrackRef
    suite: str
    suite_digest: str
    tasks: int
    entries: dict[str, Entry]
    """Method label -> its runs, base first, then by label."""
    ceilings: dict[str, float] = {}
    """Metric -> score of real images of the concepts against each other, mean over the tasks."""

    @property
    def metrics(self) -> list[str]:
        """The metrics of all runs, in the order of the records."""
        return list(self.scales)

    @property
    def scales(self) -> dict[str, Scale]:
        """Metric -> its scale, which is the same in all runs."""
        every = (r for e in self.entries.values() for r in (*e.runs.values(), *e.partial.values()))
        return _scales(every)


def _scales(records: Iterable[Record]) -> dict[str, Scale]:
    scales: dict[str, Scale] = {}
    for record in records:
        for metric, scores in record.scores.items():
            scales.setdefault(metric, scores.scale)
    return scales


def of_track(stored: Sequence[Stored], wanted: str) -> list[Stored]:
    """The records of a track, named by NAME or NAME@DIGEST (first digits of the digest).

    Raises BadInput if no record matches, or records of two protocols do."""
    name, _, digest = wanted.partition("@")
    matches = [s for s in stored if s.record.track.name == name and s.record.track.digest.startswith(digest)]
    if not matches:
        raise unknown("track", wanted, {s.record.track.name for s in stored})
    examples = {s.record.track.digest: s for s in matches}
    if len(examples) > 1:
        one, two = list(examples.values())[:2]
        raise BadInput(
            f"two protocols are named {name}: {one.path} and {two.path}; "
            f"choose by digest: {name}@{one.record.track.digest[:12]} or "
            f"{name}@{two.record.track.digest[:12]}"
        )
    return matches


def of_suite(stored: Sequence[Stored], suite: str) -> list[Stored]:
    """The records of a suite. Raises BadInput if there are none."""
    matches = [s for s in stored if s.record.suite == suite]
    if not matches:
        raise unknown("suite", suite, {s.record.suite for s in stored})
    return matches


def _entry(stored: Sequence[Stored]) -> Entry:
    """One method's runs. Raises BadInput, with both paths, for a duplicate run or a label of two methods."""
    first = stored[0]
    seen: dict[Run, Stored] = {}
    for one in stored:
        run, method = (one.record.order, one.record.seed), one.record.method
        if run in seen:
            raise BadInput(
                f"{seen[run].path} and {one.path} are both {method.label}, order {run[0]}, seed {run[1]}; "
                "keep one"
            )
        _same_method(first, one)
        seen[run] = one
    runs = {run: s.record for run, s in seen.items()}
    return Entry(
        first.record.method,
        {run: r for run, r in runs.items() if r.complete},
        {run: r for run, r in runs.items() if not r.complete},
    )


def _same_method(first: Stored, other: Stored) -> None:
    one, two = first.record.method, other.record.method
    if one.version != two.version:
        raise BadInput(
            f"{first.path} and {other.path} have different versions of {two.label}; their numbers must not "
            "be mixed, keep one version"
        )
    code, other_code = first.record.source, other.record.source
    if code and other_code and (code.code, code.options) != (other_code.code, other_code.options):
        raise BadInput(
            f"{first.path} and {other.path} are both {two.label}, but of different code or default options; "
            "their numbers must not be mixed, run one of them again"
        )
    if (one.regime, one.options) != (two.regime, two.options):
        raise BadInput(
            f"{first.path} and {other.path} are both {two.label}, but differ in regime or options; one of "
            "them was edited"
        )


def _board_key(stored: Stored) -> tuple[str, str, int, str, str]:
    record = stored.record
    return record.track.name, record.track.digest, record.track.version, record.suite, record.suite_digest


def _row_key(stored: Stored) -> tuple[bool, str]:
    return stored.record.method.name != BASE, stored.record.method.label


def _one_stream(stored: Sequence[Stored]) -> None:
    """Raises BadInput unless all runs learn the same tasks, in the same sequence within an order: otherwise
    cells and pairs would compare different tasks."""
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
                f"{alike.path} and {one.path} both have order {one.record.order} but learn the tasks in "
                "different sequences; one was edited"
            )


def _one_scale(stored: Sequence[Stored]) -> None:
    """Raises BadInput if two runs have a metric of one name on different scales."""
    first: dict[str, Stored] = {}
    for one in stored:
        for metric, scores in one.record.scores.items():
            other = first.setdefault(metric, one)
            if other.record.scores[metric].scale != scores.scale:
                raise BadInput(
                    f"{other.path} and {one.path} have metric {metric} on different scales "
                    f"({_in_words(other.record.scores[metric].scale)}, {_in_words(scores.scale)}); their "
                    "numbers must not be mixed, score one of them again"
                )


def _in_words(scale: Scale) -> str:
    low, high = ("-" if bound is None else f"{bound:g}" for bound in (scale.low, scale.high))
    return f"{scale.unit} from {low} to {high}, {scale.better} is better"


def _board(stored: Sequence[Stored]) -> Board:
    first = stored[0]
    _one_stream(stored)
    _one_scale(stored)
    rows = groupby(stored, key=_row_key)
    entries = {label: _entry(list(group)) for (_, label), group in rows}
    return Board(
        first.record.track, first.record.suite, first.record.suite_digest, len(first.record.tasks), entries
    )


def with_ceilings(board: Board, ceilings: Iterable[Ceiling]) -> Board:
    """The board with the ceilings of its protocol and data that cover all its tasks."""
    records = [
        record
        for entry in board.entries.values()
        for record in (*entry.runs.values(), *entry.partial.values())
    ]
    tasks = set(records[0].tasks)
    mine = (board.track.digest, board.suite, board.suite_digest)
    known = {
        one.metric: fsum(one.tasks[task] for task in sorted(tasks)) / len(tasks)
        for one in ceilings
        if (one.track_digest, one.suite, one.suite_digest) == mine and tasks <= one.tasks.keys()
    }
    return board._replace(ceilings=known)


def boards(stored: Sequence[Stored], track: str | None = None, suite: str | None = None) -> list[Board]:
    """The boards of some records, sorted by track and suite; records of different digests never share one.

    The result does not depend on the order of the records. Raises BadInput if a run is duplicated or a filter
    matches nothing."""
    chosen = of_track(stored, track) if track else stored
    chosen = of_suite(chosen, suite) if suite else chosen
    chosen = sorted(
        chosen, key=lambda s: (_board_key(s), _row_key(s), s.record.order, s.record.seed, str(s.path))
    )
    return [_board(list(group)) for _, group in groupby(chosen, key=_board_key)]
