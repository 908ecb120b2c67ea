"""Picks the device that a run computes on."""

import torch

from cbench.errors import BadInput


def pick(wanted: str) -> str:
    """`auto` is the GPU where there is one; BadInput for a device that torch does not have here."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=wanted)
        if wanted.startswith("cuda:"):
            torch.cuda.set_device(wanted)  # accelerate and bitsandbytes work on the current one
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BadInput(f"device {wanted!r} cannot be used here: {str(error).splitlines()[0]}") from error
    return wanted
