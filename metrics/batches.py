"""Batches of one size, always: libraries pick their kernels by a batch's shape, and kernels differ in the
last bits.

So what an encoder makes of an image does not depend on how many others are looked at with it, and a score is
the same bytes however a run was cut."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")
SIZE = 8
"""Divides the study's cells (5 prompts of 8 images), so that nothing is looked at in vain."""


def in_batches(items: Sequence[T], embed: Callable[[Sequence[T]], Tensor]) -> np.ndarray:
    """Embeddings n x d of n items, by an `embed` that is only ever given SIZE of them: the last stands in for
    those that a batch lacks."""
    parts = [items[first : first + SIZE] for first in range(0, len(items), SIZE)]
    found = [embed([*part, *[part[-1]] * (SIZE - len(part))])[: len(part)] for part in parts]
    return torch.cat(found).float().cpu().numpy()
