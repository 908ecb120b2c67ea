"""Scores the stored images of a run by one more metric."""

from cbench.entries import cited_entry
from cbench.posthoc.replay import tasks_of
from cbench.record.record import Record, Scores
from cbench.results import Results
from cbench.workbench import Workbench


def rescore(record: Record, metric: str, bench: Workbench, results: Results) -> bool:
    """Add the metric to the record's file; False if it is there already. BadInput: the stream changed, or
    images are gone."""
    if metric in record.scores:
        return False
    tasks = tasks_of(record, bench.track)

    def row(keys: tuple[str, ...]) -> tuple[float, ...]:
        return tuple(
            bench.score(metric, cited_entry(bench.store, "images", key), task)[0]
            for key, task in zip(keys, tasks, strict=False)
        )

    scores = Scores(base=row(record.stored.base_images), rows=tuple(map(row, record.stored.images)))
    grown = record.model_copy(update={"scores": {**record.scores, metric: scores}})
    results.write(grown)
    return True
