"""Scores the stored images of a run by one more metric."""

from pathlib import Path

from cbench.device import pick
from cbench.errors import BadInput
from cbench.record import Record, Scores
from cbench.store import Store, write_whole
from cbench.suite import digest_stream, open_stream
from cbench.track import Track
from cbench.workbench import Made, Workbench


def rescore(record: Record, track: Track, metric: str, out: Path, device: str) -> bool:
    """Add the metric to the record's file; False where it is there already. BadInput: the stream changed, or images are gone."""
    if metric in record.scores:
        return False
    stream = open_stream(track, record.suite)
    if digest_stream(stream) != record.suite_digest:
        raise BadInput(f"{record.file_name} was made on another version of the stream {record.suite!r}")
    tasks = {task.name: task for task in stream.tasks}
    bench = Workbench(track, Store(out / "store"), pick(device), lambda stage, count, seconds: None)

    def row(keys: tuple[str, ...]) -> tuple[float, ...]:
        return tuple(bench.score(metric, _stored(bench, key), tasks[name])[0] for key, name in zip(keys, record.tasks, strict=False))

    scores = Scores(base=row(record.kept.base_images), rows=tuple(map(row, record.kept.images)))
    grown = record.model_copy(update={"scores": {**record.scores, metric: scores}})
    write_whole(out / "records" / record.file_name, grown.model_dump_json(indent=1) + "\n")
    return True


def _stored(bench: Workbench, key: str) -> Made:
    """The images under a key."""
    folder = bench.store.find("images", key)
    if folder is None:
        raise BadInput(f"images {key} are not in {bench.store.root}; `cbench run` makes them again once the record is moved away")
    return Made(key, folder, 0.0)
