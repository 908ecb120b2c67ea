"""The device of a run: choose it, make it repeatable, silence its libraries, measure its peak memory."""

import os
import resource
import warnings
from contextlib import suppress
from pathlib import Path

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


def silence_libraries() -> None:
    """Silence diffusers' and transformers' loading bars, and their notices of optional packages and of
    `torch_dtype`."""
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    from diffusers.utils import logging as of_diffusers

    of_diffusers.disable_progress_bar()
    of_transformers.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*torch_dtype.*", category=FutureWarning)


MARK = Path("/proc/self/status")


def reset_peak_memory(device: str) -> None:
    """Measure from here on. Where the system keeps no mark that can be forgotten, the peak stays that of the
    whole process."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> int:
    """Bytes, since `forget`."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    with suppress(OSError):
        for line in MARK.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
