"""Scores the stored images of a run by one more metric."""

from cbench.entries import Entry, cited_entry
from cbench.posthoc.replay import tasks_of
from cbench.record.provenance import with_devices
from cbench.record.record import Record, Scores
from cbench.results import Results
from cbench.task import Task
from cbench.workbench import Workbench


def rescore(record: Record, metric: str, bench: Workbench, results: Results) -> bool:
    """Add the metric to the record's file; False if it is there already. BadInput: the stream changed, or
    images are gone."""
    if metric in record.scores:
        return False
    tasks, entries = tasks_of(record, bench.track), list[Entry]()

    def cell(images: str, task: Task) -> float:
        score, entry = bench.score(metric, cited_entry(bench.store, "images", images), task)
        entries.append(entry)
        return score

    def row(keys: tuple[str, ...]) -> tuple[float, ...]:
        return tuple(cell(key, task) for key, task in zip(keys, tasks, strict=False))

    scores = Scores(base=row(record.stored.base_images), rows=tuple(map(row, record.stored.images)))
    kept, keys = record.kept, [entry.key for entry in entries]
    if kept.scores:  # else the record is of before they were named
        kept = kept.model_copy(update={"scores": tuple(dict.fromkeys((*kept.scores, *keys)))})
    origin = with_devices(record.provenance, (entry.device for entry in entries))
    more = {"scores": {**record.scores, metric: scores}, "kept": kept, "provenance": origin}
    grown = record.model_copy(update=more)
    results.write(grown)
    return True
