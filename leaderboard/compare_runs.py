"""Two runs side by side."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard import provenance_diff
from cbench.leaderboard.markdown import number
from cbench.leaderboard.run_text import matrix, numbers
from cbench.leaderboard.summaries import SUMMARIES, summarise
from cbench.leaderboard.table import Column
from cbench.record.record import MethodRef, Record, Scores
from cbench.utils.text import printable

SAME_PROVENANCE = "Provenance: the same versions, commit, device, precision and threads."


class Pair(NamedTuple):
    """A summary of two runs."""

    column: Column
    one: float | None
    two: float | None

    @property
    def difference(self) -> float | None:
        """Second minus first."""
        return None if self.one is None or self.two is None else self.two - self.one


def same_protocol(one: Record, two: Record) -> None:
    """Raises BadInput if the numbers of two runs cannot be compared."""
    for name, a, b in (
        ("track", f"{one.track.name} {one.track.digest[:12]}", f"{two.track.name} {two.track.digest[:12]}"),
        ("suite", f"{one.suite} {one.suite_digest[:12]}", f"{two.suite} {two.suite_digest[:12]}"),
    ):
        if a != b:
            raise BadInput(
                f"the two runs differ in {name}: {printable(a)} and {printable(b)}; their numbers cannot be "
                "compared"
            )
    if not one.scores.keys() & two.scores.keys():
        raise BadInput(
            f"the two runs share no metric: {', '.join(one.scores)} and {', '.join(two.scores)}; their "
            "numbers cannot be compared"
        )
    for metric in one.scores.keys() & two.scores.keys():
        if one.scores[metric].scale != two.scores[metric].scale:
            raise BadInput(
                f"the two runs have metric {printable(metric)} on different scales; score one of them again"
            )


def notes(one: Record, two: Record) -> list[str]:
    """Caveats for a reader of the differences, one line each."""
    lines = []
    if one.learned != two.learned:
        lines.append(
            f"The first run learned {one.learned} tasks, the second {two.learned}: each summary covers the "
            "tasks that its run learned."
        )
    if one.method.label == two.method.label and one.method.version != two.method.version:
        lines.append(versions(one.method, two.method))
    if one.tasks != two.tasks:
        lines.append("The runs learned the tasks in different orders: their cells are of different tasks.")
    return lines


def versions(one: MethodRef, two: MethodRef) -> str:
    """The note on a method whose version differs."""
    return (
        f"{one.label} is version {one.version} in the first and {two.version} in the second: versions give "
        "different numbers."
    )


def pairs(one: Record, two: Record) -> list[Pair]:
    """Every summary of every metric that both runs have."""
    shared = [(m, summarise(one.scores[m]), summarise(two.scores[m])) for m in one.scores if m in two.scores]
    return [
        Pair(Column(name, metric, one.scores[metric].scale.better), a[name], b[name])
        for metric, a, b in shared
        for name in SUMMARIES
    ]


def less(one: Scores, two: Scores) -> Scores:
    """Second minus first over the shared cells, in the shape of scores (a difference may exceed 1)."""
    rows = tuple(
        tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in zip(one.rows, two.rows, strict=False)
    )
    base = tuple(b - a for a, b in zip(one.base, two.base, strict=False))
    return Scores.model_construct(base=base, rows=rows)


def text(one: Record, two: Record) -> str:
    """Two runs: summaries, the difference of each cell if they learned the same tasks in the same order, and
    the differences in provenance."""
    same_protocol(one, two)
    head = ["summary", *(f"{r.method.label} o{r.order} s{r.seed}" for r in (one, two)), "difference"]
    parts = [numbers(list(map(printable, head)), [_row(pair) for pair in pairs(one, two)])]
    if one.tasks == two.tasks:
        shared = [metric for metric in one.scores if metric in two.scores]
        parts += [
            f"{m}: second minus first\n{matrix(less(one.scores[m], two.scores[m]), one.tasks)}"
            for m in shared
        ]
    origins = _origins(provenance_diff.differences([(one, two)]))
    return "\n\n".join([*parts, *map(printable, notes(one, two)), origins])


def _row(pair: Pair) -> list[str]:
    difference = "-" if pair.difference is None else f"{pair.difference:+.4f}"
    return [pair.column.title, number(pair.one, 4), number(pair.two, 4), difference]


def _origins(differences: Sequence[provenance_diff.Differs]) -> str:
    """A plain table of the provenance fields that differ."""
    rows = [[d.field, provenance_diff.side(d.one), provenance_diff.side(d.two)] for d in differences]
    return numbers(["provenance", "first", "second"], rows) if rows else SAME_PROVENANCE


def data(one: Record, two: Record) -> dict[str, Any]:
    """Two runs for programs."""
    same_protocol(one, two)
    summaries = [
        p.column.data() | {"one": p.one, "two": p.two, "difference": p.difference} for p in pairs(one, two)
    ]
    origins = [differs._asdict() for differs in provenance_diff.differences([(one, two)])]
    about = {"one": one.file_name, "two": two.file_name, "equal": one.scores == two.scores}
    return about | {"notes": notes(one, two), "summaries": summaries, "provenance": origins}
