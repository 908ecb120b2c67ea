"""A quick look at tensors, to notice afterwards whether somebody wrote into them."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cbench.errors import BadInput

SAMPLE = 1 << 16
"""Bytes of a tensor, spread evenly, whose order counts too."""


Fingerprint = list[tuple[int, int, int | None]]


@contextmanager
def assert_unmodified(who: str, *handed: Any, bits: bool = True) -> Iterator[None]:
    """BadInput names `who` where tensors that were handed over, or the mappings that hold them, are others
    afterwards."""
    before = fingerprint(handed, bits)
    yield
    if fingerprint(handed, bits) != before:
        raise BadInput(f"{who} changed tensors that it was handed; it must return new ones")


def fingerprint(value: Any, bits: bool = True) -> Fingerprint:
    """Of every tensor in nested mappings and tuples: which it is, its version, and with `bits` a checksum of
    what it holds.

    The version counts writes through torch alone; the checksum sees numpy's too, which need a dense tensor in
    the computer's memory. It is no digest: a sum over all bits, at the speed of memory, so that gigabytes may
    be looked at in every task, and a CRC of a sample."""
    return [(id(tensor), tensor._version, _sum(tensor) if bits else None) for tensor in _tensors(value)]


def _sum(tensor: Any) -> int | None:
    import torch

    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        return None
    held = tensor.detach().contiguous().flatten()
    if held.data_ptr() % 8 or held.nbytes % 8:
        return zlib.crc32(held.view(torch.uint8).numpy())
    words = held.view(torch.int64)
    sample = words[:: max(1, held.nbytes // SAMPLE)].contiguous()
    return hash((int(words.sum()), zlib.crc32(sample.view(torch.uint8).numpy())))


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "_version") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, tuple):
        for part in value:
            yield from _tensors(part)
