"""Fingerprints of tensors, to detect whether code wrote into them."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cbench.errors import BadInput

SAMPLE = 1 << 16
"""Bytes of a tensor, evenly spaced, whose order is also checked."""


Fingerprint = list[tuple[int, int, int | None]]


@contextmanager
def assert_unmodified(who: str, *handed: Any, bits: bool = True) -> Iterator[None]:
    """Raises BadInput that names `who` if tensors in `handed`, or mappings of them, change meanwhile."""
    before = fingerprint(handed, bits)
    yield
    if fingerprint(handed, bits) != before:
        raise BadInput(f"{who} modified tensors that it was given; it must return new ones")


def fingerprint(value: Any, bits: bool = True) -> Fingerprint:
    """For every tensor in nested mappings and tuples: its id, its version, and with `bits` a checksum of its
    content.

    The version counts writes through torch alone; the checksum also detects numpy's, for dense tensors in the
    computer's memory. It is not a digest but a sum over all bits at memory speed, so that gigabytes can be
    checked in every task, and a CRC of a sample."""
    return [(id(tensor), tensor._version, _sum(tensor) if bits else None) for tensor in _tensors(value)]


def _sum(tensor: Any) -> int | None:
    import torch

    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        return None
    flat = tensor.detach().contiguous().flatten()
    if flat.data_ptr() % 8 or flat.nbytes % 8:
        return zlib.crc32(flat.view(torch.uint8).numpy())
    words = flat.view(torch.int64)
    sample = words[:: max(1, flat.nbytes // SAMPLE)].contiguous()
    return hash((int(words.sum()), zlib.crc32(sample.view(torch.uint8).numpy())))


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "_version") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, tuple):
        for part in value:
            yield from _tensors(part)
