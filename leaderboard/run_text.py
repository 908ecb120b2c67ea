"""One run in full: matrices, summaries, costs, provenance."""

from collections.abc import Iterable, Sequence
from typing import Any

from tabulate import tabulate

from cbench.leaderboard import diagnostics
from cbench.leaderboard.markdown import number
from cbench.leaderboard.provenance_diff import field_text
from cbench.leaderboard.stats_sections import COSTS
from cbench.leaderboard.summaries import SUMMARIES, summarise
from cbench.record.record import Record, Scores
from cbench.scale import COSINE
from cbench.utils.text import printable


def lines(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values, one pair on each line."""
    return tabulate(
        [(name, printable(str(value))) for name, value in pairs], tablefmt="plain", disable_numparse=True
    )


def numbers(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table of numbers after a first column of names."""
    align = ["left"] + ["right"] * (len(head) - 1)
    cells = [[printable(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=head, tablefmt="simple", disable_numparse=True, colalign=align)


def _about(record: Record) -> str:
    track, method = record.track, record.method
    pairs = [
        ("track", f"{track.name}, version {track.version}, digest {track.digest}"),
        ("suite", f"{record.suite}, digest {record.suite_digest}"),
        ("method", f"{method.label}: {method.title}, version {method.version}, regime {method.regime}"),
        ("order, seed", f"{record.order}, {record.seed}"),
        ("tasks", f"{record.learned} of {len(record.tasks)} learned: {', '.join(record.tasks)}"),
    ]
    if tuned := record.tuned:
        values = ", ".join(f"{name}={value}" for name, value in tuned.options.items())
        pairs.append(
            ("tuned", f"{values}: the best of {tuned.trials} trials by {tuned.objective}, seed {tuned.seed}")
        )
    return lines(pairs)


def _quantity(scores: Scores) -> str:
    scale = scores.scale
    return "score" if scale == COSINE else f"score in {printable(scale.unit)}, {scale.better} is better,"


def matrix(scores: Scores, tasks: Sequence[str]) -> str:
    """S with a row for each task learned and a column for each task scored, the base model first."""
    head = ["after learning", *(str(j + 1) for j in range(len(scores.base)))]
    rows = [["(base model)", *map(number, scores.base)]]
    rows += [[f"{i + 1} {tasks[i]}", *map(number, row)] for i, row in enumerate(scores.rows)]
    return numbers(head, rows)


def _arrows(name: str, record: Record) -> str:
    """The direction of a summary: an arrow, or one for each metric if they differ."""
    about = SUMMARIES[name]
    arrows = [about.of_metric(scores.scale.better).arrow for scores in record.scores.values()]
    return arrows[0] if len(set(arrows)) == 1 else " ".join(arrows)


def _summaries(record: Record) -> str:
    summaries = {metric: summarise(scores) for metric, scores in record.scores.items()}
    rows = [
        [
            f"{about.title} {_arrows(name, record)}",
            *(number(values[name], 4) for values in summaries.values()),
        ]
        for name, about in SUMMARIES.items()
    ]
    return numbers(["summary", *summaries], rows)


def _provenance(record: Record) -> str:
    known = record.provenance.model_dump(exclude={"packages"}).items()
    packages = ", ".join(f"{name} {version}" for name, version in sorted(record.provenance.packages.items()))
    fields = [(name, text) for name, value in known if (text := field_text(value))]
    return lines([*fields, ("packages", packages)])


def run_text(record: Record) -> str:
    """The run for a terminal."""
    parts = [("", _about(record))]
    parts += [
        (f"{m}: {_quantity(s)} on task (column) after learning task (row)", matrix(s, record.tasks))
        for m, s in record.scores.items()
    ]
    parts += [("summaries", _summaries(record))]
    parts += [("diagnostics", lines(measured))] if (measured := diagnostics.rows(record)) else []
    parts += [("costs", lines((cost.title, number(cost.of(record.costs), cost.digits)) for cost in COSTS))]
    parts += [("provenance", _provenance(record))]
    return "\n\n".join(f"{title}\n{body}".lstrip("\n") for title, body in parts)


def run_data(record: Record) -> dict[str, Any]:
    """The run for programs: the record as stored, its summaries and its diagnostics."""
    data = record.model_dump(mode="json")
    data["summaries"] = {metric: summarise(scores) for metric, scores in record.scores.items()}
    if measured := diagnostics.measures(record):
        data["companion_summaries"] = measured._asdict()
    return data
