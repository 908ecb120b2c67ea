"""The method contract: what a method decides at the borders of a task.

A method is a frozen dataclass; its fields are its options. Its hooks are pure functions: memory, adapter and
update in, values out. The runner asks them in this order for every task:

`gather` (kind `inputs_before`), `frozen`, `start`, `examples`, `rehearse`, `budget`, then the training with
`penalty` and `project` in every step, then `keep`, then `gather` (kinds `inputs_after` and `fisher`), and
`model` for the images."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from cbench.task import Example, Task

if TYPE_CHECKING:
    from torch import Tensor

    from cbench.update import Adapter, Update

NOTHING: Mapping[str, "Tensor"] = MappingProxyType({})

Regime = Literal["strict", "statistics", "library", "replay", "oracle"]
"""What a method may carry from task to task. `strict`: the model, at most one adapter, a few numbers, and the
words of learned tasks; `statistics`: also tensors of bounded size whatever the number of tasks; `library`: a
factor or adapter of every task, one model for all prompts; `replay`: earlier images; `oracle`: all data, or a
model a task."""

Kind = Literal["inputs_before", "inputs_after", "fisher"]
"""What `gather` can be given. `inputs_before`, `inputs_after`: layer -> mean of x x^T over the layer's inputs
on the task's images, d_in x d_in, under the model before and after the task; `fisher`: the adapter's tensors
(named as `update.flat` does) with the mean squared gradient of the denoising loss at the trained adapter."""


class Memory(NamedTuple):
    """What a method carries from one task to the next. Its bytes are measured and recorded."""

    update: "Update" = NOTHING
    """W - W0 merged into the model so far."""
    adapter: "Adapter | None" = None
    """At most one adapter beside the model."""
    extra: Mapping[str, "Tensor"] = NOTHING
    """Anything else, as far as the regime allows it."""
    examples: tuple[Example, ...] = ()
    """Training images kept (`replay`, `oracle`)."""
    learned: tuple[str, ...] = ()
    """Set by the runner: the first training prompt of every learned task, in order; t = len(learned) + 1."""
    tasks: int = 0
    """Set by the runner: the number of tasks in the stream, whatever the limit."""
    seed: int = 0
    """Set by the runner: the run's seed, for draws by `update.generator`."""


class Rehearsal(NamedTuple):
    """A second batch of the track's size in every step: examples, or images that the model samples itself."""

    examples: tuple[Example, ...] = ()
    """Kept images with their captions, or new images with earlier captions."""
    prompts: tuple[str, ...] = ()
    """Prompts of which the model before the task, `model(memory, task)`, samples images to rehearse."""
    images_per_prompt: int = 4
    weight: float = 1.0
    """Factor of this batch's loss."""
    target: Literal["noise", "model"] = "noise"
    """`noise`: the denoising target; `model`: the guess of W0 + `frozen` without the adapter
    (distillation)."""


class Budget(NamedTuple):
    """Shares of the track's training steps and learning rate, each in (0, 1]; an oracle may have up to t x
    the steps."""

    steps: float = 1.0
    rate: float = 1.0


@dataclass(frozen=True)
class Method:
    """Base of all methods. The defaults: a fresh adapter on top of the merged model; `keep` must be
    written."""

    name: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str] = ""
    """The group of methods, for the board's filter: `bound`, `sequential`, `merging`, `rehearsal`,
    `regularisation`, `orthogonality`."""
    source: ClassVar[str] = ""
    """Where the method was published: "Authors year, arXiv id"."""
    version: ClassVar[int] = 1
    """Raised if the method's numbers change."""
    regime: ClassVar[Regime] = "strict"
    trains: ClassVar[bool] = True
    learns: ClassVar[Literal["AB", "B"]] = "AB"
    """The factors that training changes: both, or B alone while A stays as `start` gave it."""
    gathers: ClassVar[frozenset[Kind]] = frozenset()
    """The measurements that `gather` is given."""
    draws: ClassVar[int] = 64
    """Draws of (image, timestep, noise) in a measurement; declare it as a field to make it an option."""

    def frozen(self, memory: Memory) -> "Update":
        """The update under the adapter, fixed while the task trains."""
        return memory.update

    def start(self, memory: Memory, fresh: "Adapter") -> "Adapter":
        """The adapter from which training starts; `fresh` has A Gaussian and B = 0."""
        return fresh

    def examples(self, memory: Memory, task: Task) -> tuple[Example, ...]:
        """The images and captions to train on."""
        return task.examples

    def rehearse(self, memory: Memory, task: Task) -> Rehearsal | None:
        """What to rehearse in every step beside the task's examples."""
        return None

    def budget(self, memory: Memory) -> Budget:
        """How many of the track's steps to take, and at which share of its learning rate."""
        return Budget()

    def penalty(self, memory: Memory, adapter: "Adapter") -> "Tensor | None":
        """A differentiable term of the loss, of the adapter in training; None (by memory alone) for none. No
        draws."""
        return None

    def project(self, memory: Memory, adapter: "Adapter") -> "Adapter":
        """The adapter after an optimizer step, projected onto what is allowed; idempotent, also applied to
        the start."""
        return adapter

    def keep(self, memory: Memory, trained: "Adapter", task: Task) -> Memory:
        """The memory after the task."""
        raise NotImplementedError

    def gather(self, memory: Memory, kind: Kind, measured: Mapping[str, "Tensor"]) -> Memory:
        """The memory with a measurement taken in; store what later hooks need of it in `extra`."""
        return memory

    def model(self, memory: Memory, task: Task) -> "Update":
        """The update of the model that is asked for images of `task`. Only an oracle may look at the task."""
        return memory.update
