"""The diagnostics in a record: changes of the base model, and confusion between concepts."""

from pydantic import ConfigDict, Field, model_validator

from cbench.record.numbers import Cosine, Score
from cbench.scale import Scale
from cbench.utils.names import Slug
from cbench.utils.values import Frozen, Grown

Row = tuple[Cosine, ...]
"""A number for each learned task, in the order learned."""


class PairScores(Frozen):
    """Images of prompts that name two learned concepts, as one metric sees them: cosine similarities, one
    number for each pair."""

    first: Row
    """Of the images and the first concept's references,"""
    second: Row
    """of the images and the second's, and"""
    average: Row
    """of the images and the direction midway between the two concepts' mean references."""
    both: Row
    """Mean over the images of the lower of the two: both concepts are there."""
    both_base: Row
    """The same for the base model, from the same prompts and noise."""
    alone: Row
    """The same for the final model's images of one of the two concepts alone."""


class MetricDiagnostics(Grown):
    """One image metric's measures of the model at the end of the stream: cosine similarities, if not stated
    otherwise.

    Files and arguments use the aliases, which are the published field names."""

    later = ("pairs",)
    model_config = ConfigDict(serialize_by_alias=True)

    base_similarity: Cosine | None = Field(default=None, alias="kept")
    """Images of generic prompts before and after the stream, from the same noise; 1: no change."""
    leakage: Row
    """Images without the identifier and the concept's references (language drift, Ruiz et al. 2023)."""
    leakage_base: Row
    """The same for the base model: the similarity that the class word alone gives."""
    confusion: tuple[Row, ...]
    """Row j, column k: images of task j and references of task k."""
    confusion_rate: Row = Field(alias="mistaken")
    """Share of a task's images that are more similar to another task's references, in [0, 1]."""
    before: Row = ()
    """Task j's score right before it is learned, from the second task on; empty if not measured."""
    pairs: PairScores | None = None
    """Two concepts in one image; None if not measured."""

    @model_validator(mode="after")
    def _one_number_a_task(self) -> "MetricDiagnostics":
        tasks = len(self.leakage)
        rows = (self.leakage_base, self.confusion_rate, self.confusion, *self.confusion)
        if any(len(row) != tasks for row in rows) or len(self.before) not in (0, tasks - 1):
            raise ValueError("the diagnostics must have one number for each learned task")
        return self


class Drift(Frozen):
    """How far a set metric sees the final model's images of the generic prompts from the base model's."""

    value: Score
    """Same prompts and noise; a distance is 0 for a model that did not change."""
    scale: Scale
    metric_digest: str


class Diagnostics(Grown):
    """The diagnostics of one run."""

    later = ("drift", "pairs")

    digest: str
    """Digest of the settings they were measured with: different digests share no column."""
    alignment: Row = ()
    """Images of a task's prompts and their text without the identifier, raw cosine (CLIP-T); empty without a
    text encoder."""
    alignment_base: Row = ()
    """The same for the base model."""
    metrics: dict[str, MetricDiagnostics]
    """Metric that embeds images -> its measures."""
    drift: dict[Slug, Drift] = {}
    """Metric that compares sets of images -> the drift of the base model."""
    images: tuple[str, ...] = ()
    """Store keys of the images that were sampled for them."""
    pairs: tuple[tuple[Slug, Slug], ...] = ()
    """The tasks whose concepts share an image, in the order of `PairScores`."""

    @model_validator(mode="after")
    def _one_number_a_pair(self) -> "Diagnostics":
        for metric in self.metrics.values():
            rows = [*metric.pairs.model_dump().values()] if metric.pairs else []
            if any(len(row) != len(self.pairs) for row in rows):
                raise ValueError("the diagnostics must have one number for each pair")
        return self
