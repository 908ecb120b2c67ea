"""TIES merging of all tasks at once, as published: trim, elect signs, average what agrees.

W_t = W_0 + scale TIES(B_1 A_1, .., B_t A_t), each adapter trained on W_0. TIES: see `ties`, which keeps only
the model. Yadav et al. 2023 (arXiv 2306.01708).

`density` (0.2): the paper's. `scale` (0.55): MagMax's code, for averages."""

from dataclasses import dataclass

from cbench.library import Products, products, shelved
from cbench.method import Memory, Method
from cbench.methods.ties import least_kept, ties
from cbench.options import Scale, Share
from cbench.search_space import tunable
from cbench.task import Task
from cbench.update import Adapter, Update, scaled

LEAST = "least kept"
"""Name of a task's smallest magnitude that trimming keeps, beside its adapter."""


@dataclass(frozen=True)
class TiesAll(Method):
    """One merger of all adapters."""

    density: Share = 0.2
    scale: Scale = tunable(0.55, low=0.1, high=2.0)

    name = "ties_all"
    title = "TIES"
    family = "merging"
    source = "Yadav et al. 2023, arXiv 2306.01708"
    regime = "library"

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """All adapters, each with the magnitude at which it is trimmed."""
        import torch

        least = torch.tensor(least_kept(Products(trained), self.density))
        return Memory(extra=shelved(memory.extra, task.name, trained) | {f"{task.name}/{LEAST}": least})

    def model(self, memory: Memory, task: Task) -> Update:
        """The merger, scaled."""
        least = [float(number) for key, number in memory.extra.items() if key.endswith(f"/{LEAST}")]
        return scaled(ties(products(memory.extra), least), self.scale)
