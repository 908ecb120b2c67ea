"""Joint training: every task's model learns all images so far at once. The upper bound of a continual method.

W_t = W_0 + B_t A_t, a fresh adapter trained on the images of tasks 1..t, for t times the steps. Images are
drawn alike, so a task weighs as its number of images.

`steps_per_task` (true): t times the track's steps; with its steps alone the bound is under-trained."""

from dataclasses import dataclass

from cbench.method import Budget, Memory, Method
from cbench.task import Example, Task
from cbench.update import Adapter, Update, product


@dataclass(frozen=True)
class Joint(Method):
    """One adapter on all images so far."""

    steps_per_task: bool = True

    name = "joint"
    title = "Joint training"
    family = "bound"
    regime = "oracle"

    def examples(self, memory: Memory, task: Task) -> tuple[Example, ...]:
        """The images of the tasks so far, in order."""
        return (*memory.examples, *task.examples)

    def budget(self, memory: Memory) -> Budget:
        """The track's steps for every task so far."""
        return Budget(steps=len(memory.learned) + 1) if self.steps_per_task else Budget()

    def keep(self, memory: Memory, trained: Adapter, task: Task) -> Memory:
        """The adapter and all images."""
        return Memory(adapter=trained, examples=(*memory.examples, *task.examples))

    def model(self, memory: Memory, task: Task) -> Update:
        """The adapter's product."""
        return product(memory.adapter or {})
