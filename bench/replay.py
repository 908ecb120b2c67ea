"""A stored run again, without training: its adapters through the method's own `keep`."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from cbench.contract import Memory, Method
from cbench.record import Record
from cbench.task import Task

if TYPE_CHECKING:
    from cbench.update import Adapter


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
