"""Diagnostics as columns: each a number from one record, with its formula; None if it was not measured."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.markdown import NONE, code, grid, mean_std, number, plain
from cbench.leaderboard.statistics import Spread, spread
from cbench.leaderboard.summaries import final, forward_transfer, mean
from cbench.record.diagnostics import MetricDiagnostics
from cbench.record.record import Record, Scores
from cbench.scale import Scale


def leakage(diagnostics: MetricDiagnostics, scores: Scores) -> float | None:
    """mean_j of the similarity of the class word's images to the concept, minus the base model's: 0 if the
    class word keeps its meaning."""
    pairs = zip(diagnostics.leakage, diagnostics.leakage_base, strict=True)
    return mean(end - start for end, start in pairs)


def confusion(diagnostics: MetricDiagnostics, scores: Scores) -> float | None:
    """mean over j and k != j of the similarity of task j's images and task k's references, or None."""
    return mean(value for j, row in enumerate(diagnostics.confusion) for k, value in enumerate(row) if k != j)


def gain_over_untrained(diagnostics: MetricDiagnostics, scores: Scores) -> float | None:
    """mean over j > 1 of S[j, T] - S[j, j-1]: what remains of a task at the end, against the same task just
    before it was learned. The model had been trained as long on other tasks, so drift that favours any task
    is no gain. None without the scores before."""
    return mean(last - early for last, early in zip(final(scores)[1:], diagnostics.before, strict=False))


def together(diagnostics: MetricDiagnostics, scores: Scores) -> float | None:
    """mean over pairs of concepts of the lower of an image's similarities to each, or None."""
    return mean(diagnostics.pairs.both) if diagnostics.pairs else None


def together_margin(diagnostics: MetricDiagnostics, scores: Scores) -> float | None:
    """`together`, minus the same of images with one of the two concepts alone: above 0 if the second concept
    is there too."""
    pairs = diagnostics.pairs
    return mean(both - one for both, one in zip(pairs.both, pairs.alone, strict=True)) if pairs else None


class Measure(NamedTuple):
    """A diagnostic as a column of a metric."""

    title: str
    of: Callable[[MetricDiagnostics, Scores], float | None]


MEASURES = {
    "kept": Measure("base model kept ↑", lambda d, scores: d.base_similarity),
    "leakage": Measure("class leakage ↓", leakage),
    "confusion": Measure("confusion ↓", confusion),
    "mistaken": Measure("images mistaken ↓", lambda d, scores: mean(d.confusion_rate)),
    "forward_transfer": Measure("forward transfer ↑", lambda d, scores: forward_transfer(scores, d.before)),
    "gain_over_untrained": Measure("gain over untrained ↑", gain_over_untrained),
    "together": Measure("two in one image ↑", together),
    "together_margin": Measure("two in one image, over one alone ↑", together_margin),
}
"""Name -> diagnostic, in the order of the columns."""
OPTIONAL = ("together", "together_margin")
"""Of tracks that ask for two concepts; elsewhere they are not named at all."""


NOTE = (
    "At the end of the stream. Prompt alignment: cosine similarity of an image and its prompt without the "
    "identifier. Base model kept: similarity of images before and after the stream, for prompts without any "
    "learned concept, from the same noise (1: unchanged). Class leakage: similarity of the class word's "
    "images to the concept, minus the same for the base model. Confusion: similarity of a task's images to "
    "the other tasks' references. Images mistaken: share of a task's images that are more similar to "
    "another task's references than to its own. Forward transfer: score on a task right before it is "
    "learned, minus the base model's. Gain over untrained: score on a task at the end, minus the score right "
    "before it was learned, when the model had learned other tasks only."
)


DRIFT_NOTE = (
    "Drift: a metric of two sets of images, for prompts without any learned concept: the final model's "
    "against the base model's, from the same noise (a distance of 0: unchanged)."
)


NOTE_TOGETHER = (
    "Two in one image: images of prompts that name two learned concepts; the lower of an image's "
    "similarities to the references of each, averaged over images and pairs; and its excess over images of "
    "one of the two alone. No detector: a hybrid of two concepts is not told from two things side by side."
)


class Measures(NamedTuple):
    """The diagnostics of one run as numbers."""

    alignment: float | None
    alignment_base: float | None
    metrics: dict[str, dict[str, float | None]]
    """Metric -> diagnostic -> number."""
    drift: dict[str, float]
    """Metric that compares sets of images -> drift of the base model."""


def measures(record: Record) -> Measures | None:
    """All diagnostics of a run; None if there are none."""
    stored = record.companions
    if stored is None:
        return None
    metrics = {
        m: {
            name: value
            for name, measure in MEASURES.items()
            if (value := measure.of(diagnostics, record.scores[m])) is not None or name not in OPTIONAL
        }
        for m, diagnostics in stored.metrics.items()
    }
    drift = {metric: measured.value for metric, measured in stored.drift.items()}
    return Measures(mean(stored.alignment), mean(stored.alignment_base), metrics, drift)


def drift_scales(records: Iterable[Record]) -> dict[str, Scale]:
    """Metric -> the scale of its drift."""
    scales: dict[str, Scale] = {}
    for record in records:
        for metric, measured in record.companions.drift.items() if record.companions else ():
            scales.setdefault(metric, measured.scale)
    return scales


def drift_title(metric: str, scale: Scale) -> str:
    """The head of a drift column, with its unit and the better direction."""
    return f"drift {metric} ({scale.unit}) {'↑' if scale.better == 'higher' else '↓'}"


def rows(record: Record) -> list[tuple[str, str]]:
    """The diagnostics of a run as (title, number)."""
    run = measures(record)
    if run is None:
        return []
    aligned = [
        ("prompt alignment ↑", number(run.alignment)),
        ("of the base model", number(run.alignment_base)),
    ]
    similarities = [
        (f"{MEASURES[name].title} {metric}", number(value))
        for metric, values in run.metrics.items()
        for name, value in values.items()
        if value is not None or name not in OPTIONAL
    ]
    scales = drift_scales([record])
    return aligned + similarities + [(drift_title(m, scales[m]), number(v)) for m, v in run.drift.items()]


def _digests(board: Board) -> list[str]:
    """The digest of the settings behind each run's diagnostics."""
    return [r.companions.digest for e in board.entries.values() for r in e.runs.values() if r.companions]


def usual(board: Board) -> str | None:
    """The digest that most runs' diagnostics have; None if no run has any. Others are left out."""
    digests = _digests(board)
    return max(sorted(set(digests)), key=digests.count) if digests else None


def section(board: Board) -> list[str]:
    """The heading, table and note of a board's diagnostics; empty if no run has any."""
    digest, digests = usual(board), _digests(board)
    if digest is None:
        return []
    columns = [(name, metric) for name in MEASURES for metric in board.metrics]
    titles = [f"{MEASURES[name].title} {plain(metric)}" for name, metric in columns]
    scales = drift_scales(r for entry in board.entries.values() for r in entry.runs.values())
    titles += [plain(drift_title(metric, scale)) for metric, scale in scales.items()]
    head = ["method", "runs", "prompt alignment ↑", *titles]
    lines = [_line(label, entry, digest, columns, list(scales)) for label, entry in board.entries.items()]
    filled = [i for i in range(len(head)) if i == 0 or any(line[i] != NONE for line in lines)]
    table = grid([head[i] for i in filled], [[line[i] for i in filled] for line in lines])
    n = len(digests) - digests.count(digest)
    left_out = [f"Left out, measured with other settings: {n} of {len(digests)} runs."] if n else []
    together = [NOTE_TOGETHER] if any(MEASURES["together"].title in head[i] for i in filled) else []
    drift = [DRIFT_NOTE] if scales else []
    return ["### Diagnostics", table, NOTE, *together, *drift, *left_out]


def _comparable(entry: Entry, digest: str) -> list[Measures]:
    """The diagnostics of the runs that were measured with the same settings."""
    runs = [r for r in entry.runs.values() if r.companions and r.companions.digest == digest]
    return [run for r in runs if (run := measures(r))]


def _over_runs(numbers: Iterable[float | None]) -> Spread | None:
    values = [value for value in numbers if value is not None]
    return spread(values) if values else None


def _measure(runs: Sequence[Measures], name: str, metric: str) -> Spread | None:
    return _over_runs(run.metrics.get(metric, {}).get(name) for run in runs)


def _drift(runs: Sequence[Measures], metric: str) -> Spread | None:
    return _over_runs(run.drift.get(metric) for run in runs)


def _line(
    label: str, entry: Entry, digest: str, columns: Sequence[tuple[str, str]], drift: Sequence[str]
) -> list[str]:
    runs = _comparable(entry, digest)
    cells = [_cell(_measure(runs, name, metric), len(runs)) for name, metric in columns]
    cells += [_cell(_drift(runs, metric), len(runs)) for metric in drift]
    return [code(label), f"{len(runs)}", mean_std(_over_runs(run.alignment for run in runs)), *cells]


def _cell(values: Spread | None, runs: int) -> str:
    """Mean ± std, with the number of runs if some lack the diagnostic."""
    return mean_std(values) + (f" ({values.n} of {runs} runs)" if values and values.n < runs else "")


def data(entry: Entry, digest: str) -> list[dict[str, Any]]:
    """The diagnostics of a method over its runs for programs; prompt alignment belongs to no metric."""
    runs = _comparable(entry, digest)
    metrics = dict.fromkeys(metric for run in runs for metric in run.metrics)
    cells: list[tuple[str, str | None, Spread | None]] = [
        ("alignment", None, _over_runs(run.alignment for run in runs))
    ]
    cells += [(name, metric, _measure(runs, name, metric)) for metric in metrics for name in MEASURES]
    drifting = dict.fromkeys(metric for run in runs for metric in run.drift)
    cells += [("drift", metric, _drift(runs, metric)) for metric in drifting]
    return [{"measure": name, "metric": metric} | cell._asdict() for name, metric, cell in cells if cell]
