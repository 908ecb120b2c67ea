"""One family of errors: each is one line for the user and carries the exit code of the command line."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches


class CbenchError(Exception):
    """Anything that cbench can name; `code` is the process's exit code."""

    code = 2


class BadInput(CbenchError):
    """What the user handed over cannot be used: the message says what, where, and the way out."""


class Interrupted(CbenchError):
    """The user or the machine ended the work: the message says where it stood."""

    code = 130


class CheckFailed(CbenchError):
    """A check ran and did not hold."""

    code = 1


class Incomplete(CbenchError):
    """Work ended before it was whole; the same command goes on."""

    code = 3


class Unreachable(Incomplete):
    """The network does not answer: what else would be asked of it need not be tried."""


GPU = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error")
"""How torch begins the message of an error of the GPU itself."""
ALLOCATORS = (
    "can't allocate memory",
    "bad_alloc",
    "can't start new thread",
    "out of memory",
    "_ALLOC_FAILED",
    "ALLOCATION_FAILED",
)
"""What a RuntimeError says where memory ran out: torch's allocator on a CPU, C++, Python's threads; a GPU's
driver, cuBLAS, cuDNN."""


def memory_ran_out(error: BaseException) -> bool:
    """Whether memory did not suffice: Python's own error, torch's for a device, or a RuntimeError that says
    so."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ALLOCATORS)


def gpu_lost(error: BaseException) -> bool:
    """Whether a GPU no longer answers; torch is not needed to know."""
    raised = type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and str(error).startswith(GPU)
    )
    return raised and not memory_ran_out(error)


def of_system(error: OSError) -> BadInput:
    """What the system refused, in words; a full disk can be freed, and the same command then goes on."""
    place = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BadInput(f"{place}no space left; free some and run the same command again")
    return BadInput(f"{place}{error.strerror or error}")


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for a name that does not exist, with the nearest one that does."""
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
    return BadInput(f"unknown {kind} {name!r}; {hint}")
