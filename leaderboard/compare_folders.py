"""Two results folders side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard import provenance_diff
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.compare_runs import SAME_PROVENANCE, versions
from cbench.leaderboard.markdown import code, grid, number, plain, signed, span
from cbench.leaderboard.statistics import Difference, paired
from cbench.leaderboard.summaries import PUBLISHED
from cbench.leaderboard.table import Column, columns_of, values
from cbench.record.record import Record
from cbench.utils.text import printable


class Moved(NamedTuple):
    """A method's column in two folders, over the (order, seed) that both have."""

    suite: str
    method: str
    column: Column
    difference: Difference
    equal: int
    """Number of runs with bit-identical matrices."""


def _moved(suite: str, label: str, one: Entry, two: Entry, columns: Sequence[Column]) -> list[Moved]:
    def equal(metric: str) -> int:
        shared = ((one.runs[run].scores, two.runs[run].scores) for run in one.runs.keys() & two.runs.keys())
        return sum(metric in a and metric in b and a[metric] == b[metric] for a, b in shared)

    pairs = [(column, paired(values(two, column), values(one, column))) for column in columns]
    return [Moved(suite, label, column, pair, equal(column.metric)) for column, pair in pairs if pair]


class Folders(NamedTuple):
    """Two folders compared."""

    moved: list[Moved]
    only_one: list[str]
    only_two: list[str]
    origins: list[provenance_diff.Differs]
    """The provenance fields that differ between runs that both folders have."""
    notes: list[str]
    """The methods that have another version in the second folder."""


def _named(boards: Sequence[Board]) -> dict[tuple[str, str, str, str], tuple[Board, Entry]]:
    return {
        (b.track.digest, b.suite, b.suite_digest, label): (b, entry)
        for b in boards
        for label, entry in b.entries.items()
    }


def _same_scales(one: Board, two: Board) -> None:
    """Raises BadInput if the folders have a metric of one name on different scales."""
    for metric in one.scales.keys() & two.scales.keys():
        if one.scales[metric] != two.scales[metric]:
            raise BadInput(
                f"{one.suite}: the folders have metric {printable(metric)} on different scales; their "
                "numbers cannot be compared"
            )


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
    """The second folder minus the first: paired differences of the published columns, provenance, and the
    complete runs that only one folder has.

    Raises BadInput if the shared runs have no metric in common.
    """
    first, second = _named(one), _named(two)
    moved, notes = [], []
    # once a board: its metrics are those of all its records
    columns = {id(board): columns_of(board, PUBLISHED) for board in one}
    for key, (board, entry) in first.items():
        if key in second:
            other = second[key][1]
            _same_scales(board, second[key][0])
            moved += _moved(board.suite, key[3], entry, other, columns[id(board)])
            if entry.method.version != other.method.version:
                notes.append(f"{board.suite}: {versions(entry.method, other.method)}")
    left, right = _runs(one), _runs(two)
    both = [(record, right[key]) for key, record in left.items() if key in right]
    if both and not moved:
        raise BadInput("the runs that both folders have share no metric; their numbers cannot be compared")
    origins = provenance_diff.differences(both)
    return Folders(moved, _names(left, right), _names(right, left), origins, notes)


def text(folders: Folders) -> str:
    """Two folders as markdown."""
    parts = _numbers(folders) if folders.moved else ["The folders share no complete run."]
    for name, only in (("first", folders.only_one), ("second", folders.only_two)):
        parts += [f"Only in the {name}: {', '.join(map(code, only))}"] if only else []
    return "\n\n".join(parts)


def _numbers(folders: Folders) -> list[str]:
    head = ["suite", "method", "column", "runs", "of them equal", "second minus first", "95 % interval", "p"]
    rows = [
        [plain(suite), code(label), plain(column.title), f"{d.n}", f"{equal}", *_difference(d)]
        for suite, label, column, d, equal in folders.moved
    ]
    origins = [
        [plain(d.field), *(plain(provenance_diff.side(values)) for values in (d.one, d.two)), f"{d.runs}"]
        for d in folders.origins
    ]
    head_origins = ["provenance", "first", "second", "runs"]
    provenance = grid(head_origins, origins, left=3) if origins else SAME_PROVENANCE
    return [grid(head, rows, left=3), *map(plain, folders.notes), provenance]


def _difference(difference: Difference) -> list[str]:
    return [signed(difference.mean), span(difference.interval), number(difference.p, 4)]


def data(folders: Folders) -> dict[str, Any]:
    """Two folders for programs."""
    moved = [
        m._asdict() | {"column": m.column.data(), "difference": m.difference.data()} for m in folders.moved
    ]
    return {
        "moved": moved,
        "only_one": folders.only_one,
        "only_two": folders.only_two,
        "notes": folders.notes,
        "provenance": [differs._asdict() for differs in folders.origins],
    }
