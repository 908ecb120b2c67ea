"""Distillation from the model before the task: what it predicts under earlier prompts is to stay.

loss = loss(new batch) + w E ||eps_live(x_s, s, c) - eps_{W_0 + tau_{t-1}}(x_s, s, c)||^2 over earlier
training prompts c, with one noise and one time s for both; W_t = W_{t-1} + B_t A_t as in `merge_init`. With
`images=new`, x are the new images (learning without forgetting, Li & Hoiem 2016, arXiv 1606.09282); with
`dream`, x are images that the teacher samples of c (generative distillation, Masip et al. 2023, arXiv
2311.14028). The teacher is the same UNet without the adapter. At B = 0 the term and its gradient are 0."""

from dataclasses import dataclass
from typing import Literal

from cbench.method import Memory, Rehearsal
from cbench.methods.merge_init import MergeInit
from cbench.options import Draws, Strength
from cbench.search_space import tunable
from cbench.task import Task


@dataclass(frozen=True)
class Distill(MergeInit):
    """Fresh adapters, summed, held to the guesses of the model before."""

    images: Literal["new", "dream"] = "new"
    """x: the new images, or images that the model before the task samples."""
    images_per_prompt: Draws = 4
    """Dreams of each earlier prompt (ours)."""
    weight: Strength = tunable(1.0, low=0.01, high=100.0)
    """w: 1 gives both terms, which are mean squared errors, equal weight (ours; tune)."""

    name = "distill"
    title = "Distillation"
    family = "regularisation"
    source = "Li & Hoiem 2016, arXiv 1606.09282"

    def rehearse(self, memory: Memory, task: Task) -> Rehearsal | None:
        """Earlier prompts with new images, or with dreams, and the teacher's guess as target."""
        if not (memory.learned and self.weight):
            return None
        if self.images == "dream":
            return Rehearsal((), memory.learned, self.images_per_prompt, self.weight, "model")
        relabelled = tuple(e._replace(prompt=prompt) for prompt in memory.learned for e in task.examples)
        return Rehearsal(relabelled, weight=self.weight, target="model")
