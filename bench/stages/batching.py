"""Where a device's memory runs out: the same work in smaller batches."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from accelerate.utils import release_memory

from cbench.errors import BadInput, memory_ran_out

T = TypeVar("T")
S = TypeVar("S")


def first_that_fits(savings: Iterable[S], work: Callable[[S], T], what: str) -> T:
    """`work(saving)`, from its beginning with the next of the `savings` if memory runs out.

    BadInput if memory does not suffice with the last: the device cannot do `what`."""
    for saving in savings:
        try:
            return work(saving)
        except Exception as error:
            if not memory_ran_out(error):
                raise  # else release its memory, but only after it is gone
        release_memory()
    raise BadInput(f"the device has not enough memory to {what}; choose a smaller track or a larger GPU")


def halves(batch: int) -> Iterator[int]:
    """`batch`, half of it, and so on down to 1."""
    while batch:
        yield batch
        batch //= 2


def in_batches(jobs: Any, batch: int, work: Callable[[Any], T]) -> list[T]:
    """`work` on the jobs (a sequence, or a tensor's rows), `batch` at a time; if memory runs out, half as
    many at a time from there on.

    BadInput if one is too many.
    """
    parts: list[T] = []
    first = 0
    while first < len(jobs):
        if not batch:
            raise BadInput(
                "the device has not enough memory for one image at a time; choose a smaller track or a "
                "larger GPU"
            )
        try:
            parts.append(work(jobs[first : first + batch]))
        except Exception as error:
            if not memory_ran_out(error):
                raise
            batch //= 2
        else:
            first += batch
            continue
        release_memory()  # only here: the error no longer refers to the tensors
    return parts
