"""The record of one run: track, method, score matrices, costs, provenance. One JSON file for each run."""

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cbench.errors import BadInput
from cbench.method import Regime
from cbench.record.diagnostics import Diagnostics
from cbench.record.numbers import Count, Score, Seconds
from cbench.record.tuned import Tuned
from cbench.scale import COSINE, Scale
from cbench.utils.digest import digest_json
from cbench.utils.names import Slug
from cbench.utils.values import Frozen, Grown

LONGEST = 240
"""Bytes of a file name; a longer name becomes a digest (file systems allow 255)."""


Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A key of the store, checked because it becomes a path."""


def _integer(schema: Any) -> Any:
    if type(schema) is not int:  # True and 1.0 equal 1
        raise ValueError("schema_version must be an integer")
    return schema


class TrackRef(Frozen):
    """A protocol: two records may share a table only if the digests are equal."""

    name: Slug
    version: int
    digest: str


class MethodRef(Frozen):
    """A method with its options."""

    name: Slug
    title: str
    version: int
    regime: Regime
    options: dict[str, bool | int | float | str] = {}

    @property
    def label(self) -> str:
        """The name with the options that are not at their defaults: `ortho_init(sum=factors)`."""
        options = ",".join(f"{k}={json.dumps(v).strip(chr(34))}" for k, v in sorted(self.options.items()))
        return f"{self.name}({options})" if options else self.name


class Scores(Frozen):
    """One metric's matrix: `base[j]` is the base model on task j, `rows[i][j]` the model after task i on task
    j, j <= i. All are numbers of the scale, which says whether higher or lower is better."""

    base: tuple[Score, ...]
    rows: tuple[tuple[Score, ...], ...]
    scale: Scale = COSINE

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Scores":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of a score matrix must hold i + 1 numbers")
        return self

    @model_validator(mode="after")
    def _within_the_scale(self) -> "Scores":
        low, high = self.scale.limits
        for value in (value for row in (self.base, *self.rows) for value in row):
            if not low <= value <= high:
                bound = (
                    f"less than or equal to {high:g}" if value > high else f"greater than or equal to {low:g}"
                )
                raise ValueError(f"a score of {value:g} should be {bound} ({self.scale.unit})")
        return self


class Costs(Grown):
    """The costs of the run, work shared with other runs included; seconds as measured at the time."""

    later = ("merge_seconds", "trained_steps")

    train_seconds: Seconds = 0
    sample_seconds: Seconds = 0
    score_seconds: Seconds = 0
    peak_memory_bytes: Count = 0
    trained_parameters: Count = 0
    memory_bytes: Count = 0
    """The largest memory carried from one task to the next."""
    disk_bytes: Count = 0
    merge_seconds: Seconds | None = None
    """What the hooks `keep` and `model` took."""
    trained_steps: Count | None = None
    """Steps of all trainings, if the method's budget is not the track's."""


class Provenance(Grown):
    """The origin of the numbers."""

    later = ("metrics", "devices", "optimizer")

    cbench: str
    commit: str | None = None
    dirty: bool | None = None
    packages: dict[str, str] = {}
    device: str = ""
    precision: str = ""
    weights: str = ""
    """Identity of the backbone: a hub's commit, or the digest of files put there by hand."""
    metrics: dict[Slug, str] = {}
    """Metric -> its digest: weights and preprocessing, or the program; empty in records of schema 1."""
    threads: int = 0
    created: str = ""
    devices: tuple[str, ...] = ()
    """All devices that computed the numbers, sorted, if they are others than `device` alone: the run was
    begun on one machine and ended on another, or another stored its results."""
    optimizer: str = ""
    """The optimizer of the trainings, if it is not the track's."""


class Kept(Grown):
    """Store keys of this run, in the shape of the score matrix."""

    later = ("gathered", "scores")

    adapters: tuple[Key, ...] = ()
    base_images: tuple[Key, ...] = ()
    images: tuple[tuple[Key, ...], ...] = ()
    gathered: tuple[tuple[Key, ...], ...] = ()
    """The measurements of each task, in the order of the hook `gather`; empty for a method that takes
    none."""
    scores: tuple[Key, ...] = ()
    """The scores of all cells by all metrics, each once; empty in records of before they were named."""


class MethodSource(Frozen):
    """The code behind a method: runs of one name with different code or options are different runs."""

    package: str
    """Empty for a method that is not installed but given by its file or module."""
    version: str
    """Of the package; empty if it is not installed."""
    code: str
    """Digest of the method's module, of its bases' modules, and of what these import of their own
    packages."""
    options: dict[str, bool | int | float | str | None] = {}
    """All options, also those at their defaults."""


class Record(Grown):
    """One run: (track, suite, method, order, seed)."""

    later = ("source", "tuned")

    schema_version: Annotated[Literal[2], BeforeValidator(_integer)] = 2
    track: TrackRef
    suite: Slug
    suite_digest: str
    method: MethodRef
    source: MethodSource | None = None
    """None in records of before it was recorded."""
    order: int
    seed: int
    tasks: tuple[Slug, ...] = Field(min_length=1)
    """All tasks of the stream in the order learned, also those beyond a limit."""
    scores: dict[Slug, Scores] = Field(min_length=1)
    costs: Costs = Costs()
    provenance: Provenance
    kept: Kept = Kept()
    companions: Diagnostics | None = None
    """The diagnostics, after `cbench diagnose` has added them."""
    tuned: Tuned | None = None
    """How some options were chosen, if `cbench tune` chose them."""

    @property
    def learned(self) -> int:
        """Number of tasks that the run has finished (all of them for a method that trains nothing)."""
        return min(len(s.rows) for s in self.scores.values())

    @property
    def complete(self) -> bool:
        """Whether every task of the stream has its row and its base score."""
        full = len(self.tasks)
        return all(len(s.base) == full and len(s.rows) == full for s in self.scores.values())

    @property
    def stored(self) -> Kept:
        """The store keys of this run. Raises BadInput for a compact record, which has none."""
        if not self.kept.base_images:
            raise BadInput(
                f"{self.file_name} names no stored images: it is a compact copy; use the results folder of "
                "the run"
            )
        return self.kept

    @property
    def file_name(self) -> str:
        """`<track>-<suite>-<method>-o<order>-s<seed>.json`."""
        return file_name(self.track, self.suite, self.method, self.order, self.seed)

    @model_validator(mode="after")
    def _fits_tasks(self) -> "Record":
        full = len(self.tasks)
        if any(len(s.base) > full or len(s.rows) > full for s in self.scores.values()):
            raise ValueError("a score matrix is larger than the list of tasks")
        if len(set(self.tasks)) < full:
            raise ValueError("duplicate task")
        diagnostics = self.companions.metrics if self.companions else {}
        if not diagnostics.keys() <= self.scores.keys():
            raise ValueError("the diagnostics name a metric without a score matrix")
        if any(len(metric.leakage) != self.learned for metric in diagnostics.values()):
            raise ValueError("the diagnostics and the score matrices have different numbers of tasks")
        counts = {len(self.kept.images), len(self.kept.adapters) or self.learned}
        if len(self.kept.gathered) not in (0, self.learned):
            raise ValueError("the measurements are of another number of tasks than the score matrices")
        if self.kept != Kept() and counts != {self.learned}:
            raise ValueError(
                "the stored images or adapters and the score matrices have different numbers of tasks"
            )
        return self


def file_name(track: TrackRef, suite: str, method: MethodRef, order: int, seed: int) -> str:
    """The name of a run's record. Characters of the options other than letters, digits and -_. become `_`,
    and a digest of the options distinguishes names that would then be equal."""
    label = "".join(c if c.isalnum() or c in "-_.=,()" else "_" for c in method.label)
    apart = "" if _plain_options(method) else f"-{digest_json(method.options)[:8]}"
    name = f"{track.name}-{suite}-{label}{apart}-o{order}-s{seed}.json"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{digest_json([track.name, suite, method.name, method.options])}-o{order}-s{seed}.json"


def _plain_options(method: MethodRef) -> bool:
    """Whether the options can be read back from the label: none has a character that a label or a file name
    uses itself."""
    texts = [*method.options, *(v for v in method.options.values() if isinstance(v, str))]
    return all(c.isalnum() or c in "-_." for text in texts for c in text)
