"""Batches of one fixed size: libraries choose kernels by a batch's shape, and kernels differ in the last
bits.

So the embedding of an image does not depend on the number of images embedded with it, and a score has the
same bytes however a run was interrupted."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

T = TypeVar("T")
SIZE = 8
"""Divides the study's cells (5 prompts of 8 images), so that no batch is padded."""


def in_batches(items: Sequence[T], embed: Callable[[Sequence[T]], Tensor]) -> np.ndarray:
    """Embeddings n x d of n items; `embed` always gets SIZE items: the last one pads the last batch."""
    parts = [items[first : first + SIZE] for first in range(0, len(items), SIZE)]
    embeddings = [embed([*part, *[part[-1]] * (SIZE - len(part))])[: len(part)] for part in parts]
    return torch.cat(embeddings).float().cpu().numpy()
