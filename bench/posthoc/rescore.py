"""Scores the stored images of a run by one more metric."""

from cbench.entries import Entry, cited_entry
from cbench.posthoc.replay import tasks_of
from cbench.record.provenance import with_devices
from cbench.record.record import Record, Scores
from cbench.results import Results
from cbench.task import Task
from cbench.workbench import Workbench


def rescore(record: Record, metric: str, bench: Workbench, results: Results) -> bool:
    """Add the metric to the record's file; False if it is there already, with the same digest. BadInput: the
    stream changed, or images are gone."""
    loaded, stored = bench.loaded(metric), record.provenance
    if metric in record.scores and stored.metrics.get(metric, loaded.digest) == loaded.digest:
        return False
    tasks, entries = tasks_of(record, bench.track), list[Entry]()

    def cell(images: str, task: Task) -> float:
        score, entry = bench.score(metric, cited_entry(bench.store, "images", images), task)
        entries.append(entry)
        return score

    def row(keys: tuple[str, ...]) -> tuple[float, ...]:
        return tuple(cell(key, task) for key, task in zip(keys, tasks, strict=False))

    scores = Scores(
        base=row(record.stored.base_images),
        rows=tuple(map(row, record.stored.images)),
        scale=loaded.scale,
    )
    kept, keys = record.kept, [entry.key for entry in entries]
    if kept.scores:  # else the record is of before they were named
        kept = kept.model_copy(update={"scores": tuple(dict.fromkeys((*kept.scores, *keys)))})
    origin = with_devices(stored, (entry.device for entry in entries))
    origin = origin.model_copy(update={"metrics": {**stored.metrics, metric: loaded.digest}})
    grown = {"scores": {**record.scores, metric: scores}, "kept": kept, "provenance": origin}
    results.write(record.model_copy(update=grown))
    return True
