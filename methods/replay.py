"""Experience replay: a few real images of every task are kept, and a batch of them rides along in each
step.

loss = loss(new batch) + w loss(batch of kept images); A and B are trained on as in `naive`. Chaudhry et al.
2019 (arXiv 1902.10486); for diffusion models Zajac et al. 2023 (arXiv 2303.15342). Ours: the first k images
of a task in file order, and a batch of their own, so that many kept images do not drown few new ones."""

from dataclasses import dataclass

from cbench.method import Memory, Rehearsal
from cbench.methods.naive import Naive
from cbench.options import Count, Strength
from cbench.task import Task
from cbench.update import Adapter


@dataclass(frozen=True)
class Replay(Naive):
    """One LoRA for all tasks, trained on new and kept images."""

    images_per_task: Count = 1
    """k; the paper studies 1 to 15 images a class."""
    weight: Strength = 1.0
    """w: 1 as in the paper, which averages both batches alike."""

    name = "replay"
    title = "Experience replay"
    family = "rehearsal"
    source = "Chaudhry et al. 2019, arXiv 1902.10486"
    regime = "replay"

    def rehearse(self, memory: Memory, task: Task) -> Rehearsal | None:
        """The kept images."""
        return Rehearsal(memory.examples, weight=self.weight) if memory.examples and self.weight else None

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The adapter, and the task's first images beside those kept before."""
        return Memory(adapter=trained, examples=memory.examples + task.examples[: self.images_per_task])
