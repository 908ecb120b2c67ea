"""One family of errors: each is one line for the user and carries the exit code of the command line."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches


class CbenchError(Exception):
    """An error that cbench can name; `code` is the exit code of the process."""

    code = 2


class BadInput(CbenchError):
    """Input that cannot be used: the message says what is wrong, where, and what to do."""


class Interrupted(CbenchError):
    """The user or the machine stopped the work: the message says how far it came."""

    code = 130


class CheckFailed(CbenchError):
    """A check found a difference."""

    code = 1


class Incomplete(CbenchError):
    """Work ended early; the same command resumes it."""

    code = 3


class Unreachable(Incomplete):
    """The network does not answer: further requests need not be tried."""


GPU = ("CUDA error", "CUDA driver error", "cuDNN error", "CUBLAS_STATUS", "CUDNN_STATUS", "HIP error")
"""Beginnings of torch's messages on errors of the GPU itself."""
ALLOCATORS = (
    "can't allocate memory",
    "unable to mmap",
    "bad_alloc",
    "can't start new thread",
    "out of memory",
    "_ALLOC_FAILED",
    "ALLOCATION_FAILED",
)
"""Parts of a RuntimeError's message when memory ran out: torch's allocator on a CPU, C++, Python's threads,
the GPU's driver, cuBLAS, cuDNN."""


def memory_ran_out(error: BaseException) -> bool:
    """Whether memory ran out: Python's error, torch's, or a RuntimeError with such a message."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in ALLOCATORS)


def gpu_lost(error: BaseException) -> bool:
    """Whether a GPU no longer answers; torch need not be imported."""
    gpu_error = type(error).__name__ == "AcceleratorError" or (
        isinstance(error, RuntimeError) and str(error).startswith(GPU)
    )
    return gpu_error and not memory_ran_out(error)


def of_system(error: OSError) -> BadInput:
    """The error for a system error, with its file; for a full disk, with the way to resume."""
    path = f"{error.filename}: " if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BadInput(f"{path}no space left; free some and run the same command again")
    return BadInput(f"{path}{error.strerror or error}")


def unknown(kind: str, name: str, known: Iterable[str]) -> BadInput:
    """The error for an unknown name, with the nearest known one."""
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names) or 'none'}"
    return BadInput(f"unknown {kind} {name!r}; {hint}")
