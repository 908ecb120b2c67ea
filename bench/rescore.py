"""Scores the stored images of a run by one more metric."""

from pathlib import Path

from cbench.record import Record, Scores, as_text
from cbench.store import write_whole
from cbench.suite import tasks_of
from cbench.workbench import Workbench, cited


def rescore(record: Record, metric: str, bench: Workbench, out: Path) -> bool:
    """Add the metric to the record's file; False where it is there already. BadInput: the stream changed, or
    images are gone."""
    if metric in record.scores:
        return False
    tasks = tasks_of(record, bench.track)

    def row(keys: tuple[str, ...]) -> tuple[float, ...]:
        return tuple(
            bench.score(metric, cited(bench.store, "images", key), task)[0]
            for key, task in zip(keys, tasks, strict=False)
        )

    scores = Scores(base=row(record.stored.base_images), rows=tuple(map(row, record.stored.images)))
    grown = record.model_copy(update={"scores": {**record.scores, metric: scores}})
    write_whole(out / "records" / record.file_name, as_text(grown))
    return True
