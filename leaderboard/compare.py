"""Two runs, or two results folders, side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard import origin
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.markdown import code, grid, number, plain, signed, span
from cbench.leaderboard.run_text import matrix, numbers
from cbench.leaderboard.statistics import Difference, paired
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, summarise
from cbench.leaderboard.table import Column, values
from cbench.printable import printable
from cbench.record import MethodRef, Record, Scores

SAME_ORIGIN = "Provenance: the same versions, commit, device, precision and threads."


class Pair(NamedTuple):
    """A summary of two runs."""

    column: Column
    one: float | None
    two: float | None

    @property
    def difference(self) -> float | None:
        """Second less first."""
        return None if self.one is None or self.two is None else self.two - self.one


def same_protocol(one: Record, two: Record) -> None:
    """BadInput where the numbers of two runs do not compare."""
    for name, a, b in (
        ("track", f"{one.track.name} {one.track.digest[:12]}", f"{two.track.name} {two.track.digest[:12]}"),
        ("suite", f"{one.suite} {one.suite_digest[:12]}", f"{two.suite} {two.suite_digest[:12]}"),
    ):
        if a != b:
            raise BadInput(f"the two runs are of another {name}: {printable(a)} and {printable(b)}; their numbers do not compare")
    if not one.scores.keys() & two.scores.keys():
        raise BadInput(f"the two runs share no metric: {', '.join(one.scores)} and {', '.join(two.scores)}; their numbers do not compare")


def notes(one: Record, two: Record) -> list[str]:
    """What a reader of the differences must know of the two runs, a line each."""
    said = []
    if one.learned != two.learned:
        said.append(f"The first learned {one.learned} tasks, the second {two.learned}: a summary is over the tasks that its run learned.")
    if one.method.label == two.method.label and one.method.version != two.method.version:
        said.append(_versions(one.method, two.method))
    if one.tasks != two.tasks:
        said.append("The runs learned the tasks in another order: their cells are of different tasks.")
    return said


def _versions(one: MethodRef, two: MethodRef) -> str:
    return f"{one.label} is version {one.version} in the first and {two.version} in the second: another version gives other numbers."


def pairs(one: Record, two: Record) -> list[Pair]:
    """Every summary of every metric that both runs have."""
    told = [(m, summarise(one.scores[m]), summarise(two.scores[m])) for m in one.scores if m in two.scores]
    return [Pair(Column(name, metric), a[name], b[name]) for metric, a, b in told for name in SUMMARIES]


def less(one: Scores, two: Scores) -> Scores:
    """Second less first, over the cells that both have: in the shape of scores, though a difference may be 2."""
    rows = tuple(tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in zip(one.rows, two.rows, strict=False))
    return Scores.model_construct(base=tuple(b - a for a, b in zip(one.base, two.base, strict=False)), rows=rows)


def runs_text(one: Record, two: Record) -> str:
    """Two runs: summaries, the difference of each cell where they learned the same tasks in one order, and of where they come from."""
    same_protocol(one, two)
    head = ["summary", *(f"{r.method.label} o{r.order} s{r.seed}" for r in (one, two)), "difference"]
    rows = [
        [pair.column.title, number(pair.one, 4), number(pair.two, 4), "-" if pair.difference is None else f"{pair.difference:+.4f}"]
        for pair in pairs(one, two)
    ]
    parts = [numbers(list(map(printable, head)), rows)]
    if one.tasks == two.tasks:
        shared = [metric for metric in one.scores if metric in two.scores]
        parts += [f"{m}: second less first\n{matrix(less(one.scores[m], two.scores[m]), one.tasks)}" for m in shared]
    return "\n\n".join([*parts, *map(printable, notes(one, two)), _origins(origin.differences([(one, two)]))])


def _origins(found: Sequence[origin.Differs]) -> str:
    """A plain table of what differs in where two runs come from."""
    rows = [[differs.field, origin.told(differs.one), origin.told(differs.two)] for differs in found]
    return numbers(["provenance", "first", "second"], rows) if rows else SAME_ORIGIN


def runs_data(one: Record, two: Record) -> dict[str, Any]:
    """Two runs for programs."""
    same_protocol(one, two)
    summaries = [p.column._asdict() | {"one": p.one, "two": p.two, "difference": p.difference} for p in pairs(one, two)]
    origins = [differs._asdict() for differs in origin.differences([(one, two)])]
    about = {"one": one.file_name, "two": two.file_name, "equal": one.scores == two.scores}
    return about | {"notes": notes(one, two), "summaries": summaries, "provenance": origins}


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
        shared = one.runs.keys() & two.runs.keys()
        return sum(one.runs[run].scores.get(metric) == two.runs[run].scores.get(metric) for run in shared)

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
    return {(b.track.digest, b.suite, b.suite_digest, label): (b, entry) for b in boards for label, entry in b.entries.items()}


def _runs(boards: Sequence[Board]) -> dict[tuple, Record]:
    """Every complete run."""
    return {(*key, *run): record for key, (_, entry) in _named(boards).items() for run, record in entry.runs.items()}


def _names(runs: dict[tuple, Record], others: dict[tuple, Record]) -> list[str]:
    return [record.file_name.removesuffix(".json") for key, record in runs.items() if key not in others]


def folders(one: Sequence[Board], two: Sequence[Board]) -> Folders:
    """The second folder against the first: paired differences of the published columns, provenance, complete runs that only one holds.

    BadInput where runs that both hold share no metric.
    """
    first, second = _named(one), _named(two)
    moved, said = [], []
    for key, (board, entry) in first.items():
        if key in second:
            other = second[key][1]
            columns = [Column(summary, metric) for summary in PUBLISHED for metric in board.metrics]
            moved += _moved(board.suite, key[3], entry, other, columns)
            said += [f"{board.suite}: {_versions(entry.method, other.method)}"] if entry.method.version != other.method.version else []
    left, right = _runs(one), _runs(two)
    both = [(record, right[key]) for key, record in left.items() if key in right]
    if both and not moved:
        raise BadInput("the runs that both folders hold share no metric; their numbers do not compare")
    return Folders(moved, _names(left, right), _names(right, left), origin.differences(both), said)


def folders_text(found: Folders) -> str:
    """Two folders as markdown."""
    head = ["suite", "method", "column", "runs", "of them equal", "second less first", "95 % interval", "p"]
    rows = [
        [plain(suite), code(label), plain(c.title), f"{d.n}", f"{equal}", signed(d.mean), span(d.interval), number(d.p, 4)]
        for suite, label, c, d, equal in found.moved
    ]
    parts = [grid(head, rows, left=3) if rows else "The folders share no complete run."]
    if found.moved:
        told = [[plain(d.field), plain(origin.told(d.one)), plain(origin.told(d.two)), f"{d.runs}"] for d in found.origins]
        parts += [*map(plain, found.notes), grid(["provenance", "first", "second", "runs"], told, left=3) if told else SAME_ORIGIN]
    for name, listed in (("first", found.only_one), ("second", found.only_two)):
        parts += [f"Only in the {name}: {', '.join(map(code, listed))}"] if listed else []
    return "\n\n".join(parts)


def folders_data(found: Folders) -> dict[str, Any]:
    """Two folders for programs."""
    moved = [m._asdict() | {"column": m.column._asdict(), "difference": m.difference.data()} for m in found.moved]
    origins = [differs._asdict() for differs in found.origins]
    return {"moved": moved, "only_one": found.only_one, "only_two": found.only_two, "notes": found.notes, "provenance": origins}
