"""Two results folders side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard import provenance_diff as origin
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.compare_runs import SAME_ORIGIN, versions
from cbench.leaderboard.markdown import code, grid, number, plain, signed, span
from cbench.leaderboard.statistics import Difference, paired
from cbench.leaderboard.summaries import PUBLISHED
from cbench.leaderboard.table import Column, values
from cbench.record.record import Record


class Moved(NamedTuple):
    """A method's column in two folders, over the (order, seed) that both hold."""

    suite: str
    method: str
    column: Column
    difference: Difference
    equal: int
    """Runs whose matrices are the same to the last bit."""


def _moved(suite: str, label: str, one: Entry, two: Entry, columns: Sequence[Column]) -> list[Moved]:
    def equal(metric: str) -> int:
        shared = ((one.runs[run].scores, two.runs[run].scores) for run in one.runs.keys() & two.runs.keys())
        return sum(metric in a and metric in b and a[metric] == b[metric] for a, b in shared)

    found = [(column, paired(values(two, column), values(one, column))) for column in columns]
    return [Moved(suite, label, column, pair, equal(column.metric)) for column, pair in found if pair]


class Folders(NamedTuple):
    """Two folders compared."""

    moved: list[Moved]
    only_one: list[str]
    only_two: list[str]
    origins: list[origin.Differs]
    """Where the runs that both hold come from, where that differs."""
    notes: list[str]
    """Methods that are of another version in the second."""


def _named(boards: Sequence[Board]) -> dict[tuple[str, str, str, str], tuple[Board, Entry]]:
    return {
        (b.track.digest, b.suite, b.suite_digest, label): (b, entry)
        for b in boards
        for label, entry in b.entries.items()
    }


def _runs(boards: Sequence[Board]) -> dict[tuple, Record]:
    """Every complete run."""
    return {
        (*key, *run): record
        for key, (_, entry) in _named(boards).items()
        for run, record in entry.runs.items()
    }


def _names(runs: dict[tuple, Record], others: dict[tuple, Record]) -> list[str]:
    return [record.file_name.removesuffix(".json") for key, record in runs.items() if key not in others]


def compare(one: Sequence[Board], two: Sequence[Board]) -> Folders:
    """The second folder against the first: paired differences of the published columns, provenance, complete
    runs that only one holds.

    BadInput where runs that both hold share no metric.
    """
    first, second = _named(one), _named(two)
    moved, said = [], []
    for key, (board, entry) in first.items():
        if key in second:
            other = second[key][1]
            columns = [Column(summary, metric) for summary in PUBLISHED for metric in board.metrics]
            moved += _moved(board.suite, key[3], entry, other, columns)
            said += (
                [f"{board.suite}: {versions(entry.method, other.method)}"]
                if entry.method.version != other.method.version
                else []
            )
    left, right = _runs(one), _runs(two)
    both = [(record, right[key]) for key, record in left.items() if key in right]
    if both and not moved:
        raise BadInput("the runs that both folders hold share no metric; their numbers do not compare")
    return Folders(moved, _names(left, right), _names(right, left), origin.differences(both), said)


def text(found: Folders) -> str:
    """Two folders as markdown."""
    head = ["suite", "method", "column", "runs", "of them equal", "second less first", "95 % interval", "p"]
    rows = [
        [
            plain(suite),
            code(label),
            plain(c.title),
            f"{d.n}",
            f"{equal}",
            signed(d.mean),
            span(d.interval),
            number(d.p, 4),
        ]
        for suite, label, c, d, equal in found.moved
    ]
    parts = [grid(head, rows, left=3) if rows else "The folders share no complete run."]
    if found.moved:
        told = [
            [plain(d.field), plain(origin.told(d.one)), plain(origin.told(d.two)), f"{d.runs}"]
            for d in found.origins
        ]
        parts += [
            *map(plain, found.notes),
            grid(["provenance", "first", "second", "runs"], told, left=3) if told else SAME_ORIGIN,
        ]
    for name, listed in (("first", found.only_one), ("second", found.only_two)):
        parts += [f"Only in the {name}: {', '.join(map(code, listed))}"] if listed else []
    return "\n\n".join(parts)


def data(found: Folders) -> dict[str, Any]:
    """Two folders for programs."""
    moved = [
        m._asdict() | {"column": m.column._asdict(), "difference": m.difference.data()} for m in found.moved
    ]
    origins = [differs._asdict() for differs in found.origins]
    return {
        "moved": moved,
        "only_one": found.only_one,
        "only_two": found.only_two,
        "notes": found.notes,
        "provenance": origins,
    }
