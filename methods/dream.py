"""Generative replay: before a task the model samples images of the earlier training prompts, and a batch of
them rides along in each step.

loss = loss(new batch) + w loss(batch of dreams), dreams ~ W_0 + tau_{t-1}; W_t = W_{t-1} + B_t A_t as in
`merge_init`. Shin et al. 2017 (arXiv 1705.08690); Masip et al. 2023 (arXiv 2311.14028) show for diffusion
models that errors add up over the tasks. Evaluation prompts are never asked, nor is their noise used. Ours:
4 images a prompt, each with its prompt as caption, and a batch of their own."""

from dataclasses import dataclass

from cbench.method import Memory, Rehearsal
from cbench.methods.merge_init import MergeInit
from cbench.options import Count, Strength
from cbench.task import Task


@dataclass(frozen=True)
class Dream(MergeInit):
    """Fresh adapters, summed, trained on new and dreamed images."""

    images_per_prompt: Count = 4
    """Dreams of each earlier training prompt (ours)."""
    weight: Strength = 1.0
    """w."""

    name = "dream"
    title = "Generative replay"
    family = "rehearsal"
    source = "Shin et al. 2017, arXiv 1705.08690"

    def rehearse(self, memory: Memory, task: Task) -> Rehearsal | None:
        """Dreams of all learned tasks."""
        if not (memory.learned and self.images_per_prompt and self.weight):
            return None
        return Rehearsal(prompts=memory.learned, images_per_prompt=self.images_per_prompt, weight=self.weight)
