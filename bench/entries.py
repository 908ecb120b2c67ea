"""Entries of the store: what a stage gave, read back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as packed

from cbench.errors import BadInput
from cbench.store.store import COST, Store
from cbench.update import Adapter, unflat

if TYPE_CHECKING:
    from torch import Tensor


class Entry(NamedTuple):
    """An entry of the store: its key, its folder, and how it was made: seconds, peak memory in bytes, and the
    device."""

    key: str
    folder: Path
    seconds: float
    peak_bytes: int = 0
    device: str = ""
    """The name of the device that made it; empty for an entry of before it was stored."""


def cited_entry(store: Store, kind: str, key: str) -> Entry:
    """An entry that a record cites; BadInput if it is gone."""
    folder = store.require(kind, key)
    return Entry(key, folder, 0.0, device=read_cost(folder).get("device", ""))


def read_cost(folder: Path) -> dict[str, Any]:
    """What is stored of how an entry was made: `seconds`, `peak_bytes`, `device`."""
    path = folder / COST
    return json.loads(path.read_text()) if path.exists() else {}


def open_adapter(entry: Entry) -> Adapter:
    """The adapter of an entry; BadInput if its file cannot be read."""
    return unflat(_load(entry.folder / "adapter.safetensors"))


def open_measurement(entry: Entry) -> "Mapping[str, Tensor]":
    """The tensors of a measurement by name; BadInput if its file cannot be read."""
    path = entry.folder / "measured.safetensors"
    tensors = _load(path)
    with safe_open(path, "pt") as file:
        shared = json.loads((file.metadata() or {}).get("shared", "{}"))
    return tensors | {name: tensors[owner] for name, owner in shared.items()}


def _load(path: Path) -> "dict[str, Tensor]":
    try:
        return load_file(path)
    except SafetensorError as error:
        raise BadInput(f"{path} cannot be read: {error}") from error


def packed_once(tensors: "Mapping[str, Tensor]") -> bytes:
    """A safetensors file in which a tensor of several names is stored once."""
    owners: dict[int, str] = {}
    shared = {
        name: owner
        for name, tensor in tensors.items()
        if (owner := owners.setdefault(id(tensor), name)) != name
    }
    stored = {name: tensor.contiguous() for name, tensor in tensors.items() if name not in shared}
    return packed(stored, metadata={"shared": json.dumps(shared)})
