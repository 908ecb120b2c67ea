"""The device of a run: selection, deterministic algorithms, quiet libraries, peak memory."""

import os
import resource
import warnings
from contextlib import suppress
from pathlib import Path

import torch

from cbench.errors import BadInput

LARGE = 512
"""Pixels of a side from which a run takes days on a CPU."""


def pick(wanted: str) -> str:
    """The device for `wanted`; `auto` is the GPU if there is one. A GPU is made deterministic. Raises
    BadInput for a device that torch cannot use here."""
    device = wanted
    if wanted == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        # read once, when cuBLAS starts: without it sums may differ
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if wanted != "auto":
        _try(wanted)
    if device.startswith("cuda"):
        make_repeatable()
    return device


def too_slow(resolution: int, picked: str) -> bool:
    """Whether a track of this resolution would take days on the device."""
    return picked == "cpu" and resolution >= LARGE


def _try(wanted: str) -> None:
    try:
        torch.empty(1, device=wanted)
        if wanted.startswith("cuda:"):
            torch.cuda.set_device(wanted)  # accelerate and bitsandbytes use the current device
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BadInput(f"device {wanted!r} cannot be used here: {str(error).splitlines()[0]}") from error


def make_repeatable() -> None:
    """Use a GPU's deterministic algorithms; a warning names an operation that has none.

    Not needed on a CPU, where setting it would import torch's compiler, which takes seconds.
    """
    torch.use_deterministic_algorithms(True, warn_only=True)
    # otherwise it fills all new memory with NaN first, to find bugs
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False  # otherwise it chooses algorithms by their measured time


def silence_libraries() -> None:
    """Silence diffusers' and transformers' loading bars and their messages on optional packages."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*torch_dtype.*", category=FutureWarning)


STATUS = Path("/proc/self/status")


def reset_peak_memory(device: str) -> None:
    """Measure peak memory from here on; if the system cannot reset it, since the process started."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> int:
    """Peak memory in bytes since `reset_peak_memory`."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    with suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
