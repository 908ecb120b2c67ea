"""Checks that files had all weights of a network: the libraries would fill gaps with random weights."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from cbench.resources.pipeline_files import weight_files

PROBES = 16
"""Numbers of a tensor to compare."""


def check_complete(pipeline: Any, folder: Path, vae: Path | None, denoiser: str) -> None:
    """Raises ValueError if the files lack weights of a network of the pipeline, whose component `denoiser`
    denoises."""
    names = {name for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    for name in sorted(names | {denoiser, "vae"}):
        source = vae if vae is not None and name == "vae" else folder / name
        absent = missing(getattr(pipeline, name), source)
        if absent:
            raise ValueError(f"{len(absent)} weights of {name} are missing, such as {absent[0]}")


def missing(network: torch.nn.Module, folder: Path) -> list[str]:
    """The weights of a network that no file of the folder has, neither by name nor (libraries rename weights
    of old files) by content."""
    own, stored = _own(network), dict(_stored(folder))
    absent = {name: tensor for name, tensor in own.items() if name not in stored or tensor.is_meta}
    samples: set[tuple[float, ...]] = set()
    if absent:
        kind = next(network.parameters()).dtype
        samples = {_sample(read(), kind) for name, read in stored.items() if name not in own}
    return sorted(
        name
        for name, tensor in absent.items()
        if tensor.is_meta or _sample(tensor, tensor.dtype) not in samples
    )


def _own(network: torch.nn.Module) -> dict[str, Tensor]:
    """The network's parameters, and the statistics that are saved with them."""
    saved = network.state_dict()
    statistics = {n: b for n, b in network.named_buffers() if n in saved and b.is_floating_point()}
    return dict(network.named_parameters()) | statistics


def _stored(folder: Path) -> Iterator[tuple[str, Callable[[], Tensor]]]:
    """The names of all tensors in the folder's files, each with a function that reads it."""
    for path in weight_files(folder):
        if path.suffix != ".safetensors":
            continue
        file = safe_open(path, "pt")
        for name in file.keys():  # noqa: SIM118 - it is not a dict
            yield name, partial(file.get_tensor, name)


def _sample(tensor: Tensor, kind: torch.dtype) -> tuple[float, ...]:
    """A tensor's size and a few of its numbers in a precision; tensors with equal samples count as equal."""
    flat = tensor.detach().flatten()
    return (len(flat), *flat[:: max(1, len(flat) // PROBES)].to(kind).tolist())
