"""The diagnostics in a record: does a model keep what it could do, and its concepts apart?"""

from pydantic import model_validator

from cbench.record.numbers import Cosine
from cbench.utils.values import Frozen

Row = tuple[Cosine, ...]
"""A number for each learned task, in the order learned."""


class MetricDiagnostics(Frozen):
    """One image metric's measures of the model at the end of the stream; cosine similarities unless said
    otherwise."""

    kept: Cosine | None = None
    """Images of generic prompts before the stream and after it, pair by pair from one noise: 1 is a base
    model unchanged."""
    leakage: Row
    """Images of the prompts without the identifier against the concept's references (language drift, Ruiz et
    al. 2023)."""
    leakage_base: Row
    """The same of the base model: what the class word alone brings."""
    confusion: tuple[Row, ...]
    """Row j, column k: images of task j against the references of task k."""
    mistaken: Row
    """The share of a task's images that are more like another task's references than like its own, in [0,
    1]."""
    before: Row = ()
    """Task j's score before it is learned, from the second task on; empty unless asked for."""

    @model_validator(mode="after")
    def _one_number_a_task(self) -> "MetricDiagnostics":
        tasks = len(self.leakage)
        rows = (self.leakage_base, self.mistaken, self.confusion, *self.confusion)
        if any(len(row) != tasks for row in rows) or len(self.before) not in (0, tasks - 1):
            raise ValueError("companions hold one number for each learned task")
        return self


class Diagnostics(Frozen):
    """The measures of one run."""

    digest: str
    """What they were taken with: measures of different digests share no column."""
    alignment: Row = ()
    """Images of a task's prompts against their text without the identifier, raw cosine (CLIP-T); empty
    without a text encoder."""
    alignment_base: Row = ()
    """The same of the base model."""
    metrics: dict[str, MetricDiagnostics]
    images: tuple[str, ...] = ()
    """Keys of the images that were sampled for them."""
