"""A stored run again, without training: its adapters through the method's own `keep`."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from cbench.errors import BadInput
from cbench.method import Memory, Method
from cbench.plugins.streams import digest_stream, open_stream
from cbench.record.record import Record
from cbench.task import Task
from cbench.track import Track

if TYPE_CHECKING:
    from cbench.update import Adapter


def tasks_of(record: Record, track: Track) -> tuple[Task, ...]:
    """All tasks of a run's stream, in its order; BadInput where the record is of another version of the track
    or of the stream."""
    if record.track.digest != track.digest:
        raise BadInput(f"{record.file_name} was made on another version of track {track.name}")
    stream = open_stream(track, record.suite)
    if digest_stream(stream) != record.suite_digest:
        raise BadInput(f"{record.file_name} was made on another version of the stream {record.suite!r}")
    return stream.ordered(record.order)


def memories(
    method: Method, record: Record, tasks: Sequence[Task], adapter: Callable[[str], "Adapter"]
) -> Iterator[Memory]:
    """The memory after each learned task, one at a time; empty ones of a method that trains nothing.
    `adapter` opens a key."""
    memory = Memory()
    for position, task in enumerate(tasks[: record.learned]):
        if method.trains:
            memory = method.keep(memory, adapter(record.stored.adapters[position]), task)
        yield memory
