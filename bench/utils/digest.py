"""Digests: the identity of values, files and tensors."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def _hex(hasher: Any) -> str:
    return hasher.hexdigest()[:32]


def digest_json(value: Any) -> str:
    """Digest of a JSON value, independent of key order. Raises ValueError for NaN and infinity."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _hex(hashlib.blake2b(text.encode(), digest_size=32))


def digest_file(path: Path) -> str:
    """Digest of a file's bytes."""
    with path.open("rb") as file:
        return _hex(hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)))


def digest_tensors(tensors: Mapping[str, "Tensor"]) -> str:
    """Digest of named tensors: names, dtypes, shapes and bytes."""
    hasher = hashlib.blake2b(digest_size=32)
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        hasher.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        hasher.update(tensor.flatten().view(dtype=_bytes_type()).numpy().data)
    return _hex(hasher)


def _bytes_type() -> Any:
    import torch

    return torch.uint8
