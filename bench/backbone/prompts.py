"""Prompts as a denoiser takes them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class PromptEmbeddings(NamedTuple):
    """The embeddings of n prompts."""

    states: Tensor
    """Token states, n x tokens x width."""
    pooled: Tensor | None = None
    """One vector a prompt, n x width, if the family has one."""

    def rows(self, index: Sequence[int] | Tensor | slice) -> "PromptEmbeddings":
        """The embeddings of some of the prompts."""
        return PromptEmbeddings(self.states[index], None if self.pooled is None else self.pooled[index])


def joined(one: PromptEmbeddings, two: PromptEmbeddings) -> PromptEmbeddings:
    """The rows of both."""
    pooled = None if one.pooled is None or two.pooled is None else torch.cat([one.pooled, two.pooled])
    return PromptEmbeddings(torch.cat([one.states, two.states]), pooled)
