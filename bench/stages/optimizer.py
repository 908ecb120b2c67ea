"""The optimizer of a training: AdamW, with its state in 8 bits where the track asks for it and bitsandbytes
is installed beside a GPU."""

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from cbench.track import Training


def name_of(settings: Training, device: str) -> str:
    """`adamw` or `adamw8bit`: what a training on this device uses."""
    can = device.startswith("cuda") and find_spec("bitsandbytes") is not None
    return settings.optimizer if can else "adamw"


def fallback(settings: Training, device: str) -> str:
    """The optimizer that a training on this device uses in place of the track's; empty if it is the
    track's."""
    name = name_of(settings, device)
    return "" if name == settings.optimizer else name


def fallback_line(settings: Training, device: str) -> str:
    """What a reader is told of the fallback."""
    return (
        f"{fallback(settings, device)} in place of the track's {settings.optimizer}, which needs a GPU and "
        "bitsandbytes"
    )


def optimizer_key(settings: Training, device: str) -> dict[str, str]:
    """The optimizer in the key of a training: its name, if the track names one."""
    return {} if settings.optimizer == "adamw" else {"optimizer": name_of(settings, device)}


def make_optimizer(parameters: Sequence[Any], settings: Training, device: str) -> Any:
    """The optimizer over the adapter's factors."""
    options: dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if name_of(settings, device) == "adamw8bit":
        return import_module("bitsandbytes.optim").AdamW8bit(parameters, **options)
    # one kernel for all factors: fused on a GPU; on a CPU one an operation, with the bits of a loop
    options["fused" if device.startswith("cuda") else "foreach"] = True
    return import_module("torch.optim").AdamW(parameters, **options)
