"""The update algebra: adapters (low-rank factors) and updates (dense W - W0) over the adapted layers.

Both are plain dictionaries from layer name to values; a layer that is absent from an update is zero there.
Nothing is changed in place. Torch is imported at the first use, not with this module.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from cbench.utils.digest import digest_json

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Factors(NamedTuple):
    """LoRA factors of one layer: its update is B @ A (Hu et al. 2022; alpha = rank, so no further scale)."""

    A: "Tensor"
    """rank x d_in."""
    B: "Tensor"
    """d_out x rank."""


Adapter = Mapping[str, Factors]
"""Layer -> its factors."""
Update = Mapping[str, "Tensor"]
"""Layer -> its change, d_out x d_in."""


def product(adapter: Adapter) -> Update:
    """The dense update of an adapter: B A in every layer."""
    return {name: factors.B @ factors.A for name, factors in adapter.items()}


def add(first: Update, second: Update) -> Update:
    """The sum of two updates."""
    return {
        n: first[n] + second[n] if n in first and n in second else either
        for n, either in {**first, **second}.items()
    }


def add_factors(first: Adapter, second: Adapter) -> Adapter:
    """A_1 + A_2 and B_1 + B_2 in every layer: the product then also has the cross terms B_1 A_2 and B_2
    A_1."""
    return {n: Factors(first[n].A + second[n].A, first[n].B + second[n].B) for n in second}


def scaled(update: Update, factor: float) -> Update:
    """The update times a number."""
    return {name: factor * change for name, change in update.items()}


def total(terms: Iterable["Tensor"]) -> "Tensor":
    """The sum of scalar tensors, one a layer: the form of most penalties."""
    import torch

    return torch.stack([*terms]).sum()


def larger(first: Update, second: Update) -> Update:
    """Entry by entry the value of the larger magnitude; the second's if they tie."""
    import torch

    zero = torch.zeros(())
    pairs = {n: (first.get(n, zero), second.get(n, zero)) for n in {**first, **second}}
    return {n: torch.where(a.abs() > b.abs(), a, b) for n, (a, b) in pairs.items()}


def gaussian(shapes: Mapping[str, tuple[int, int]], rank: int, seed: int) -> Adapter:
    """A fresh adapter: A ~ N(0, 1/rank^2) as peft's `init_lora_weights="gaussian"`, B = 0.

    Shapes are (d_out, d_in)."""
    import torch

    draws = torch.Generator().manual_seed(seed)
    return {
        name: Factors(torch.randn(rank, d_in, generator=draws) / rank, torch.zeros(d_out, rank))
        for name, (d_out, d_in) in sorted(shapes.items())
    }


def generator(*parts: int | str) -> "Generator":
    """A CPU generator seeded by a digest of its arguments: `generator(memory.seed, len(memory.learned),
    layer)`.

    Leave the task out for draws that all tasks of a run share."""
    import torch

    return torch.Generator().manual_seed(int(digest_json(parts)[:15], 16))


def flat(adapter: Adapter) -> dict[str, "Tensor"]:
    """The adapter as named tensors, as peft writes them: `<layer>.lora_A.weight`, `<layer>.lora_B.weight`."""
    return {
        f"{n}.lora_{k}.weight": getattr(f, k).contiguous() for n, f in adapter.items() for k in ("A", "B")
    }


def unflat(tensors: Mapping[str, "Tensor"]) -> Adapter:
    """The inverse of `flat`."""
    names = sorted(key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight"))
    return {n: Factors(tensors[f"{n}.lora_A.weight"], tensors[f"{n}.lora_B.weight"]) for n in names}


def nbytes(tensors: Mapping[str, "Tensor"]) -> int:
    """Bytes of the tensors."""
    return sum(t.numel() * t.element_size() for t in tensors.values())
