"""Picks the device that a run computes on, and has a GPU compute the same again."""

import os

import torch

from cbench.errors import BadInput

LARGE = 512
"""Pixels of a side from which on a run takes days on a CPU."""


def pick(wanted: str) -> str:
    """`auto` is the GPU where there is one; BadInput for a device that torch does not have here. A GPU is
    made repeatable."""
    found = wanted
    if wanted == "auto":
        found = "cuda" if torch.cuda.is_available() else "cpu"
    if found.startswith("cuda"):
        os.environ.setdefault(
            "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
        )  # read once, when cuBLAS starts: without it sums may differ
    if wanted != "auto":
        _try(wanted)
    if found.startswith("cuda"):
        make_repeatable()
    return found


def too_slow(resolution: int, picked: str) -> bool:
    """Whether a track of this resolution would take days on the device."""
    return picked == "cpu" and resolution >= LARGE


def _try(wanted: str) -> None:
    try:
        torch.empty(1, device=wanted)
        if wanted.startswith("cuda:"):
            torch.cuda.set_device(wanted)  # accelerate and bitsandbytes work on the current one
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BadInput(f"device {wanted!r} cannot be used here: {str(error).splitlines()[0]}") from error


def make_repeatable() -> None:
    """Of a GPU's algorithms those that give the same bits again, wherever there is one; a warning names the
    operation that has none.

    Not for a CPU, which does so anyway: to say it imports torch's compiler, which takes seconds.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    # else it writes NaN into all new memory first, to find faults
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False  # else it chooses by time, and may choose otherwise the next time
