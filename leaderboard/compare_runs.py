"""Two runs side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard import provenance_diff as origin
from cbench.leaderboard.markdown import number
from cbench.leaderboard.run_text import matrix, numbers
from cbench.leaderboard.summaries import SUMMARIES, summarise
from cbench.leaderboard.table import Column
from cbench.record.record import MethodRef, Record, Scores
from cbench.utils.text import printable

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
            raise BadInput(
                f"the two runs are of another {name}: {printable(a)} and {printable(b)}; their numbers do "
                "not compare"
            )
    if not one.scores.keys() & two.scores.keys():
        raise BadInput(
            f"the two runs share no metric: {', '.join(one.scores)} and {', '.join(two.scores)}; their "
            "numbers do not compare"
        )


def notes(one: Record, two: Record) -> list[str]:
    """What a reader of the differences must know of the two runs, a line each."""
    said = []
    if one.learned != two.learned:
        said.append(
            f"The first learned {one.learned} tasks, the second {two.learned}: a summary is over the tasks "
            "that its run learned."
        )
    if one.method.label == two.method.label and one.method.version != two.method.version:
        said.append(versions(one.method, two.method))
    if one.tasks != two.tasks:
        said.append("The runs learned the tasks in another order: their cells are of different tasks.")
    return said


def versions(one: MethodRef, two: MethodRef) -> str:
    """What to say of a method whose version differs."""
    return (
        f"{one.label} is version {one.version} in the first and {two.version} in the second: another "
        "version gives other numbers."
    )


def pairs(one: Record, two: Record) -> list[Pair]:
    """Every summary of every metric that both runs have."""
    told = [(m, summarise(one.scores[m]), summarise(two.scores[m])) for m in one.scores if m in two.scores]
    return [Pair(Column(name, metric), a[name], b[name]) for metric, a, b in told for name in SUMMARIES]


def less(one: Scores, two: Scores) -> Scores:
    """Second less first, over the cells that both have: in the shape of scores, though a difference may be
    2."""
    rows = tuple(
        tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in zip(one.rows, two.rows, strict=False)
    )
    return Scores.model_construct(
        base=tuple(b - a for a, b in zip(one.base, two.base, strict=False)), rows=rows
    )


def text(one: Record, two: Record) -> str:
    """Two runs: summaries, the difference of each cell where they learned the same tasks in one order, and of
    where they come from."""
    same_protocol(one, two)
    head = ["summary", *(f"{r.method.label} o{r.order} s{r.seed}" for r in (one, two)), "difference"]
    rows = [
        [
            pair.column.title,
            number(pair.one, 4),
            number(pair.two, 4),
            "-" if pair.difference is None else f"{pair.difference:+.4f}",
        ]
        for pair in pairs(one, two)
    ]
    parts = [numbers(list(map(printable, head)), rows)]
    if one.tasks == two.tasks:
        shared = [metric for metric in one.scores if metric in two.scores]
        parts += [
            f"{m}: second less first\n{matrix(less(one.scores[m], two.scores[m]), one.tasks)}" for m in shared
        ]
    return "\n\n".join([*parts, *map(printable, notes(one, two)), _origins(origin.differences([(one, two)]))])


def _origins(found: Sequence[origin.Differs]) -> str:
    """A plain table of what differs in where two runs come from."""
    rows = [[differs.field, origin.told(differs.one), origin.told(differs.two)] for differs in found]
    return numbers(["provenance", "first", "second"], rows) if rows else SAME_ORIGIN


def data(one: Record, two: Record) -> dict[str, Any]:
    """Two runs for programs."""
    same_protocol(one, two)
    summaries = [
        p.column._asdict() | {"one": p.one, "two": p.two, "difference": p.difference} for p in pairs(one, two)
    ]
    origins = [differs._asdict() for differs in origin.differences([(one, two)])]
    about = {"one": one.file_name, "two": two.file_name, "equal": one.scores == two.scores}
    return about | {"notes": notes(one, two), "summaries": summaries, "provenance": origins}
