"""Peak memory of a piece of work: on a GPU what torch's allocator held at most, else what the process had in
memory at most."""

import resource
from contextlib import suppress
from pathlib import Path

MARK = Path("/proc/self/status")


def forget(device: str) -> None:
    """Measure from here on. Where the system keeps no mark that can be forgotten, the peak stays that of the
    whole process."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    else:
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")


def peak(device: str) -> int:
    """Bytes, since `forget`."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    with suppress(OSError):
        for line in MARK.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
