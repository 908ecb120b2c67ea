"""Whether a loaded network is that of its files: diffusers and transformers go on with random weights where
some are missing."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from cbench.resources.pipeline_files import weight_files

PROBES = 16
"""Numbers of a tensor that are looked at."""


def check_complete(pipeline: Any, folder: Path, vae: Path | None) -> None:
    """ValueError where the files lack weights of a network of the pipeline, or where it does not predict what
    can be trained on."""
    kind = pipeline.scheduler.config.prediction_type
    if kind not in ("epsilon", "v_prediction"):
        raise ValueError(f"the scheduler's prediction_type is {kind!r}; epsilon and v_prediction are known")
    names = {name for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    for name in sorted(names | {"unet", "vae"}):
        place = vae if vae is not None and name == "vae" else folder / name
        lost = missing(getattr(pipeline, name), place)
        if lost:
            raise ValueError(f"{len(lost)} weights of {name} are missing, such as {lost[0]}")


def missing(network: torch.nn.Module, folder: Path) -> list[str]:
    """The weights of a network that no file of the folder holds: neither by name nor, where a library renames
    old files, by content."""
    own, held = dict(network.named_parameters()), dict(_held(folder))
    lost = {name: tensor for name, tensor in own.items() if name not in held or tensor.is_meta}
    seen: set[tuple[float, ...]] = set()
    if lost:
        kind = next(network.parameters()).dtype
        seen = {_look(look(), kind) for name, look in held.items() if name not in own}
    return sorted(
        name for name, tensor in lost.items() if tensor.is_meta or _look(tensor, tensor.dtype) not in seen
    )


def _held(folder: Path) -> Iterator[tuple[str, Callable[[], Tensor]]]:
    """The names of all tensors in the folder's files, each with a function that reads it."""
    for path in weight_files(folder):
        if path.suffix != ".safetensors":
            continue
        file = safe_open(path, "pt")
        for name in file.keys():  # noqa: SIM118 - it is no dict
            yield name, partial(file.get_tensor, name)


def _look(tensor: Tensor, kind: torch.dtype) -> tuple[float, ...]:
    """How many numbers a tensor has, and a few of them in a precision; where these are equal it is taken for
    the same."""
    flat = tensor.detach().flatten()
    return (len(flat), *flat[:: max(1, len(flat) // PROBES)].to(kind).tolist())
