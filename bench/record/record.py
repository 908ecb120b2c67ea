"""The record of one run: what was run, the score matrices, what it cost, where it comes from. One JSON file a
run."""

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cbench.errors import BadInput
from cbench.method import Regime
from cbench.record.diagnostics import Diagnostics
from cbench.record.numbers import Cosine, Count, Seconds
from cbench.utils.digest import digest_json
from cbench.utils.names import Slug
from cbench.utils.values import Frozen, Grown

LONGEST = 240
"""Bytes of a file name; a longer one becomes a digest (file systems end at 255)."""


Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A key of the store; nothing else may come near a path."""


def _whole(schema: Any) -> Any:
    if type(schema) is not int:  # True and 1.0 equal 1
        raise ValueError("a schema is a whole number")
    return schema


class TrackRef(Frozen):
    """Which protocol: two records belong to one table only where the digests agree."""

    name: Slug
    version: int
    digest: str


class MethodRef(Frozen):
    """Which method, with its options."""

    name: Slug
    title: str
    version: int
    regime: Regime
    options: dict[str, bool | int | float | str] = {}

    @property
    def label(self) -> str:
        """The name with the options that are set: `ortho_init(exact=true)`."""
        told = ",".join(f"{k}={json.dumps(v).strip(chr(34))}" for k, v in sorted(self.options.items()))
        return f"{self.name}({told})" if told else self.name


class Scores(Frozen):
    """One metric's matrix. `base[j]`: the base model on task j; `rows[i][j]`: the model after task i on task
    j, j <= i."""

    base: tuple[Cosine, ...]
    rows: tuple[tuple[Cosine, ...], ...]

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Scores":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of a score matrix holds i + 1 numbers")
        return self


class Costs(Grown):
    """What the run took, work shared with other runs included (seconds as measured when the work was
    done)."""

    later = ("merge_seconds", "trained_steps")

    train_seconds: Seconds = 0
    sample_seconds: Seconds = 0
    score_seconds: Seconds = 0
    peak_memory_bytes: Count = 0
    trained_parameters: Count = 0
    memory_bytes: Count = 0
    """The most that was carried from one task to the next."""
    disk_bytes: Count = 0
    merge_seconds: Seconds | None = None
    """What the hooks `keep` and `model` took."""
    trained_steps: Count | None = None
    """Steps of all trainings, if the method's budget is not the track's."""


class Provenance(Frozen):
    """Where the numbers come from."""

    cbench: str
    commit: str | None = None
    dirty: bool | None = None
    packages: dict[str, str] = {}
    device: str = ""
    precision: str = ""
    weights: str = ""
    """Identity of the backbone: a hub's commit, or the digest of the files where they were put by hand."""
    threads: int = 0
    created: str = ""


class Kept(Grown):
    """Keys of what the store holds for this run, in the shape of the matrix."""

    later = ("gathered",)

    adapters: tuple[Key, ...] = ()
    base_images: tuple[Key, ...] = ()
    images: tuple[tuple[Key, ...], ...] = ()
    gathered: tuple[tuple[Key, ...], ...] = ()
    """The measurements of each task, in the order of the hook `gather`; empty for a method that takes
    none."""


class Record(Frozen):
    """One run: (track, suite, method, order, seed)."""

    schema_version: Annotated[Literal[1], BeforeValidator(_whole)] = 1
    track: TrackRef
    suite: Slug
    suite_digest: str
    method: MethodRef
    order: int
    seed: int
    tasks: tuple[Slug, ...] = Field(min_length=1)
    """All tasks of the stream in the order learned, also those past a limit."""
    scores: dict[Slug, Scores] = Field(min_length=1)
    costs: Costs = Costs()
    provenance: Provenance
    kept: Kept = Kept()
    companions: Diagnostics | None = None
    """The measures beside the concept scores, once `cbench companions` has taken them."""

    @property
    def learned(self) -> int:
        """How many tasks the run has finished (all of them for a method that trains nothing)."""
        return min(len(s.rows) for s in self.scores.values())

    @property
    def complete(self) -> bool:
        """Whether every task of the stream has its row and its base score."""
        full = len(self.tasks)
        return all(len(s.base) == full and len(s.rows) == full for s in self.scores.values())

    @property
    def stored(self) -> Kept:
        """What the store holds for this run; BadInput where the record does not say, as the compact ones of a
        leaderboard."""
        if not self.kept.base_images:
            raise BadInput(
                f"{self.file_name} names no stored images: it is a compact copy; take the results folder "
                "that the run wrote"
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
            raise ValueError("a task is there twice")
        if self.companions and not self.companions.metrics.keys() <= self.scores.keys():
            raise ValueError("the companions are by a metric that has no score matrix")
        if self.companions and any(
            len(beside.leakage) != self.learned for beside in self.companions.metrics.values()
        ):
            raise ValueError("the companions are of another number of tasks than the score matrices")
        if self.kept != Kept() and (len(self.kept.images), len(self.kept.adapters) or self.learned) != (
            self.learned,
            self.learned,
        ):
            raise ValueError(
                "it names the stored images or adapters of another number of tasks than the score matrices"
            )
        return self


def file_name(track: TrackRef, suite: str, method: MethodRef, order: int, seed: int) -> str:
    """The name of a run's record; what options hold beside letters, digits and -_. becomes `_`, so it is no
    path.

    Two methods whose options then look alike are told apart by a digest of them.
    """
    label = "".join(c if c.isalnum() or c in "-_.=,()" else "_" for c in method.label)
    apart = "" if _plain_options(method) else f"-{digest_json(method.options)[:8]}"
    name = f"{track.name}-{suite}-{label}{apart}-o{order}-s{seed}.json"
    if len(name.encode()) <= LONGEST:
        return name
    return f"{digest_json([track.name, suite, method.name, method.options])}-o{order}-s{seed}.json"


def _plain_options(method: MethodRef) -> bool:
    """Whether the label tells the options without doubt: no text in them holds what the label or a file name
    is made with."""
    texts = [*method.options, *(v for v in method.options.values() if isinstance(v, str))]
    return all(c.isalnum() or c in "-_." for text in texts for c in text)
