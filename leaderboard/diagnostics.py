"""The measures beside the concept scores as columns: each a number from one record, with its formula; None
where it was not taken."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.markdown import NONE, code, grid, mean_std, number, plain
from cbench.leaderboard.statistics import Spread, spread
from cbench.leaderboard.summaries import forward_transfer, mean
from cbench.record.diagnostics import MetricDiagnostics
from cbench.record.record import Record, Scores


def leakage(beside: MetricDiagnostics, scores: Scores) -> float | None:
    """mean_j of the likeness of the class word's images to the concept, less the base model's: 0 where the
    word means what it meant."""
    return mean(end - start for end, start in zip(beside.leakage, beside.leakage_base, strict=True))


def confusion(beside: MetricDiagnostics, scores: Scores) -> float | None:
    """mean over j and k != j of the likeness of task j's images to task k's references. None of a single
    task."""
    return mean(value for j, row in enumerate(beside.confusion) for k, value in enumerate(row) if k != j)


class Measure(NamedTuple):
    """A measure as a column of a metric."""

    title: str
    of: Callable[[MetricDiagnostics, Scores], float | None]


MEASURES = {
    "kept": Measure("base model kept ↑", lambda beside, scores: beside.kept),
    "leakage": Measure("class leakage ↓", leakage),
    "confusion": Measure("confusion ↓", confusion),
    "mistaken": Measure("images mistaken ↓", lambda beside, scores: mean(beside.mistaken)),
    "forward_transfer": Measure(
        "forward transfer ↑", lambda beside, scores: forward_transfer(scores, beside.before)
    ),
}
"""Name -> measure, in the order of the columns."""


NOTE = (
    "At the end of the stream. Prompt alignment: cosine of an image and its prompt without the identifier. "
    "Base model kept: images of "
    "prompts without any learned concept, before and after the stream from the same noise (1: unchanged). "
    "Class leakage: how much more the "
    "class word alone brings the concept than it did in the base model. Confusion: likeness of a task's "
    "images to the other tasks' "
    "references. Images mistaken: the share that is more like another task's references than like its own. "
    "Forward transfer: a task's "
    "score right before it is learned, less the base model's."
)


class Told(NamedTuple):
    """The measures of one run as numbers."""

    alignment: float | None
    alignment_base: float | None
    metrics: dict[str, dict[str, float | None]]
    """Metric -> measure -> number."""


def told(record: Record) -> Told | None:
    """All measures of a run; None where none was taken."""
    taken = record.companions
    if taken is None:
        return None
    metrics = {
        m: {name: about.of(beside, record.scores[m]) for name, about in MEASURES.items()}
        for m, beside in taken.metrics.items()
    }
    return Told(mean(taken.alignment), mean(taken.alignment_base), metrics)


def rows(record: Record) -> list[tuple[str, str]]:
    """The measures of a run in words."""
    found = told(record)
    if found is None:
        return []
    aligned = [
        ("prompt alignment ↑", number(found.alignment)),
        ("of the base model", number(found.alignment_base)),
    ]
    return aligned + [
        (f"{MEASURES[name].title} {metric}", number(value))
        for metric, values in found.metrics.items()
        for name, value in values.items()
    ]


def _taken(board: Board) -> list[str]:
    """What the measures of each run were taken with."""
    return [r.companions.digest for e in board.entries.values() for r in e.runs.values() if r.companions]


def usual(board: Board) -> str | None:
    """What most runs' measures were taken with; None where no run has any. Those taken otherwise are left
    out."""
    taken = _taken(board)
    return max(sorted(set(taken)), key=taken.count) if taken else None


def section(board: Board) -> list[str]:
    """The heading, table and note of a board's measures; nothing where no run has them."""
    digest, taken = usual(board), _taken(board)
    if digest is None:
        return []
    columns = [(name, metric) for name in MEASURES for metric in board.metrics]
    head = [
        "method",
        "runs",
        "prompt alignment ↑",
        *(f"{MEASURES[name].title} {plain(metric)}" for name, metric in columns),
    ]
    lines = [_line(label, entry, digest, columns) for label, entry in board.entries.items()]
    kept = [i for i, title in enumerate(head) if i == 0 or any(line[i] != NONE for line in lines)]
    n = len(taken) - taken.count(digest)
    left_out = [f"Left out, for their measures were taken otherwise: {n} of {len(taken)} runs."] if n else []
    return [
        "### Beside the concept scores",
        grid([head[i] for i in kept], [[line[i] for i in kept] for line in lines]),
        NOTE,
        *left_out,
    ]


def _told_with(entry: Entry, digest: str) -> list[Told]:
    return [
        t for r in entry.runs.values() if r.companions and r.companions.digest == digest and (t := told(r))
    ]


def _over_runs(numbers: Iterable[float | None]) -> Spread | None:
    values = [value for value in numbers if value is not None]
    return spread(values) if values else None


def _measure(found: Sequence[Told], name: str, metric: str) -> Spread | None:
    return _over_runs(t.metrics.get(metric, {}).get(name) for t in found)


def _line(label: str, entry: Entry, digest: str, columns: Sequence[tuple[str, str]]) -> list[str]:
    found = _told_with(entry, digest)
    measures = [_cell(_measure(found, name, metric), len(found)) for name, metric in columns]
    return [code(label), f"{len(found)}", mean_std(_over_runs(t.alignment for t in found)), *measures]


def _cell(found: Spread | None, runs: int) -> str:
    """Mean ± std; where a measure was not asked of some of the runs, how many it is over."""
    return mean_std(found) + (f" ({found.n} of {runs} runs)" if found and found.n < runs else "")


def data(entry: Entry, digest: str) -> list[dict[str, Any]]:
    """The measures of a method over its runs for programs; prompt alignment is of no metric."""
    found = _told_with(entry, digest)
    metrics = dict.fromkeys(metric for t in found for metric in t.metrics)
    listed: list[tuple[str, str | None, Spread | None]] = [
        ("alignment", None, _over_runs(t.alignment for t in found))
    ]
    listed += [(name, metric, _measure(found, name, metric)) for metric in metrics for name in MEASURES]
    return [{"measure": name, "metric": metric} | cell._asdict() for name, metric, cell in listed if cell]
