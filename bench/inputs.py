"""The inputs of the stages, as values: what a method decided, and the run's settings."""

from typing import Literal, NamedTuple

from cbench.entries import Entry
from cbench.step_hook import StepHook
from cbench.task import Example
from cbench.track import Training
from cbench.update import Adapter, Update

Learns = Literal["AB", "B"]
Target = Literal["noise", "model"]


class Dreams(NamedTuple):
    """Images that a model sampled for rehearsal, with their captions, one an image."""

    entry: Entry
    captions: tuple[str, ...]


class RehearsalInputs(NamedTuple):
    """What rides along in every step of a training."""

    examples: tuple[Example, ...] = ()
    dreams: Dreams | None = None
    weight: float = 1.0
    target: Target = "noise"


class TrainingInputs(NamedTuple):
    """All inputs of one training."""

    frozen: Update
    start: Adapter
    examples: tuple[Example, ...]
    settings: Training
    seed: int
    learns: Learns = "AB"
    rehearsal: RehearsalInputs | None = None
    penalty: StepHook | None = None
    project: StepHook | None = None


class MeasuringInputs(NamedTuple):
    """All inputs of one measurement."""

    kind: Literal["inputs_before", "inputs_after", "fisher"]
    model: Update
    """Of `inputs_*`: the model that is measured; of `fisher`: the update under the adapter."""
    adapter: Adapter | None
    examples: tuple[Example, ...]
    draws: int
    seed: int
    position: int
    settings: Training
    learns: Learns = "AB"
