"""Entries of the store: what a stage gave, read back."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as packed

from cbench.errors import BadInput
from cbench.store.store import Store
from cbench.update import Adapter, unflat

if TYPE_CHECKING:
    from torch import Tensor


class Entry(NamedTuple):
    """An entry of the store: its key, its folder, and the cost of making it: seconds, and peak memory in
    bytes."""

    key: str
    folder: Path
    seconds: float
    peak_bytes: int = 0


def cited_entry(store: Store, kind: str, key: str) -> Entry:
    """An entry that a record cites; BadInput if it is gone."""
    return Entry(key, store.require(kind, key), 0.0)


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
