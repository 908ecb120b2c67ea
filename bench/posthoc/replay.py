"""A stored run again, without training: its adapters and measurements through the method's own hooks."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cbench.errors import BadInput
from cbench.method import Memory, Method
from cbench.plugins.hooks import AFTER, BEFORE, Hooks, grown
from cbench.plugins.streams import digest_stream, open_stream
from cbench.record.record import Record
from cbench.store.store import Store
from cbench.task import Task
from cbench.track import Track

if TYPE_CHECKING:
    from torch import Tensor

    from cbench.update import Update
    from cbench.workbench import Workbench


def tasks_of(record: Record, track: Track) -> tuple[Task, ...]:
    """All tasks of a run's stream, in its order; BadInput if the record is from another version of the track
    or of the stream."""
    if record.track.digest != track.digest:
        raise BadInput(f"{record.file_name} is from another version of track {track.name}")
    stream = open_stream(track, record.suite)
    if digest_stream(stream) != record.suite_digest:
        raise BadInput(f"{record.file_name} is from another version of the stream {record.suite!r}")
    return stream.ordered(record.order)


def memories(method: Method, record: Record, tasks: Sequence[Task], store: Store) -> Iterator[Memory]:
    """The memory after each learned task, one at a time; the initial one for a method that trains nothing.

    BadInput if an adapter or a measurement is gone."""
    hooks, memory = Hooks(method), Memory(tasks=len(record.tasks), seed=record.seed)
    for position, task in enumerate(tasks[: record.learned]):
        if method.trains:
            memory = _relearned(hooks, memory, record, position, task, store)
        yield memory


def check_replayed(
    bench: "Workbench", record: Record, model: "Update", task: Task, at: tuple[int, int]
) -> None:
    """Say on standard error if the model replayed after task i is not the run's on task j; `at` is (i, j)
    from 0.

    A hook that is not pure, or another machine's linear algebra, gives another model than the run had."""
    if bench.sample_key(model, task) != record.stored.images[at[0]][at[1]]:
        print(
            f"{record.file_name}: the model after task {at[0] + 1} is another one here than in the run "
            "(another machine, or a method that is not a function of its inputs)",
            file=sys.stderr,
        )


def _relearned(
    hooks: Hooks, memory: Memory, record: Record, position: int, task: Task, store: Store
) -> Memory:
    from cbench.entries import cited_entry, open_adapter, open_measurement

    kept, gathers = record.stored, hooks.method.gathers
    adapter = open_adapter(cited_entry(store, "adapters", kept.adapters[position]))
    keys = iter(kept.gathered[position] if kept.gathered else ())

    def measurement(key: str | None) -> Mapping[str, "Tensor"]:
        if key is None:
            raise BadInput(
                f"{record.file_name} names no measurement of task {position + 1}; "
                f"run {record.method.label} again"
            )
        return open_measurement(cited_entry(store, "measurements", key))

    for kind in (k for k in BEFORE if k in gathers):
        measured = measurement(next(keys, None))
        memory = hooks.gather(memory, kind, measured, adapter)
    memory = hooks.keep(memory, adapter, task)
    for kind in (k for k in AFTER if k in gathers):
        measured = measurement(next(keys, None))
        memory = hooks.gather(memory, kind, measured, adapter)
    return grown(memory, task)
