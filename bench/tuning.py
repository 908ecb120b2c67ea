"""Tuning: strengths without a published value are chosen by a fixed number of trials on a validation stream.

The result is a file of its own, which `cbench run --tuned` reads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import Field, ValidationError, model_validator

from cbench.errors import BadInput
from cbench.leaderboard.summaries import SUMMARIES
from cbench.method import Method
from cbench.record.record import Record, TrackRef
from cbench.record.tuned import Tuned
from cbench.task import Stream
from cbench.track import SuiteSpec, Track, ValidationSpec, parse
from cbench.utils.files import make_folder, write_atomically
from cbench.utils.images import image_digest
from cbench.utils.names import LONGEST, Slug
from cbench.utils.text import first_error, read_text
from cbench.utils.values import Frozen

OBJECTIVE = "average_score"
"""The summary that is to be as high as possible, of the suite's first metric."""
Scalar = bool | int | float | str


class Trial(Frozen):
    """The values that were tried, and what they gave."""

    options: dict[str, int | float]
    value: float | None
    """The objective; None if the run failed by itself, as a training does whose loss is no number."""
    failure: str = ""


class SearchRange(Frozen):
    """A range as the file says it (`search_space.Range`)."""

    low: float
    high: float
    log: bool


class Tuning(Frozen):
    """The trials of one method on one suite, and the chosen values."""

    schema_version: Literal[1] = 1
    method: Slug
    version: int
    """Of the method."""
    track: TrackRef
    suite: Slug
    stream: str
    """Digest of the validation stream."""
    order: int
    seed: int
    objective: str
    fixed: dict[str, Scalar] = {}
    """Options that all trials share."""
    space: dict[str, SearchRange] = Field(min_length=1)
    trials: tuple[Trial, ...] = Field(min_length=1)
    chosen: dict[str, int | float]

    @model_validator(mode="after")
    def _chosen_is_best(self) -> "Tuning":
        if self.chosen != best(self.trials).options:
            raise ValueError("chosen must be the options of the trial with the highest value")
        return self

    @property
    def tuned(self) -> Tuned:
        """What a record says of it."""
        return Tuned(
            options=self.chosen,
            trials=len(self.trials),
            objective=self.objective,
            stream=self.stream,
            order=self.order,
            seed=self.seed,
        )

    @property
    def options(self) -> dict[str, str]:
        """The options of a run, as texts."""
        return {name: str(value) for name, value in {**self.fixed, **self.chosen}.items()}


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest value, the first of equals. ValueError if all failed."""
    values = [(trial.value, trial) for trial in trials if trial.value is not None]
    if not values:
        raise ValueError(f"all {len(trials)} trials failed")
    return max(values, key=lambda pair: pair[0])[1]


def read_tuning(path: Path) -> Tuning:
    """The tuning in a file; BadInput names the file and the field."""
    try:
        return Tuning.model_validate_json(read_text(path, "tuning file"))
    except ValidationError as error:
        raise BadInput(f"tuning file {path}: {first_error(error)}; `cbench tune` writes it") from error


def write_tuning(tuning: Tuning, path: Path) -> None:
    """Write the file, whole or not at all."""
    make_folder(path.parent)
    write_atomically(path, tuning.model_dump_json(indent=1) + "\n")


def check_tuning(tuning: Tuning, path: Path, track: Track, method: Method) -> None:
    """BadInput if a tuning is of another version of the track or of the method."""
    if tuning.track.digest != track.digest:
        raise BadInput(
            f"tuning file {path} is of track {tuning.track.name}, digest {tuning.track.digest}, not of "
            f"{track.name}, digest {track.digest}; tune again"
        )
    if tuning.version != method.version:
        raise BadInput(
            f"tuning file {path} is of version {tuning.version} of {tuning.method}, version "
            f"{method.version} is installed; tune again"
        )


class Validation(NamedTuple):
    """The track on which the trials run."""

    track: Track
    """The protocol with the validation streams in place of its own, a seed and an order for each suite."""
    specs: Mapping[str, ValidationSpec]


def validation_of(track: Track, suites: Sequence[str], stream: Path | None) -> Validation:
    """The validation track of some suites; `stream`, a folder stream's file, takes the place of what the
    track names. BadInput if neither is there."""
    specs = dict[str, ValidationSpec]()
    for suite in suites:
        own = track.suites[suite].validation
        if stream:
            own = ValidationSpec(options={"path": str(stream.absolute())})
        if own is None:
            raise BadInput(
                f"track {track.name} names no validation stream for {suite}; give one: --validation FILE"
            )
        if own.seed in track.seeds:
            raise BadInput(f"validation seed {own.seed} is one of track {track.name}'s own seeds")
        specs[suite] = own
    changed: dict[str, Any] = {
        "name": f"{track.name[: LONGEST - len('-validation')]}-validation",
        "suites": {suite: _spec(track.suites[suite], spec) for suite, spec in specs.items()},
        "orders": tuple(dict.fromkeys(spec.order for spec in specs.values())),
        "seeds": tuple(dict.fromkeys(spec.seed for spec in specs.values())),
        "companions": type(track.companions)(),
    }
    return Validation(track.model_copy(update=changed), specs)


def _spec(suite: SuiteSpec, validation: ValidationSpec) -> SuiteSpec:
    return suite.model_copy(
        update={"dataset": validation.dataset, "options": validation.options, "validation": None}
    )


def write_track(track: Track, path: Path) -> None:
    """The validation track as a file, which jobs read."""
    make_folder(path.parent)
    write_atomically(path, yaml.safe_dump(track.model_dump(mode="json"), sort_keys=False))
    if parse(path).digest != track.digest:
        raise BadInput(f"{path} does not read as the track that was written to it; this is a fault of cbench")


def check_apart(validation: Stream, reported: Stream, suite: str) -> None:
    """BadInput if a validation stream shows an image that the reported stream trains on or compares with."""
    known = {digest: task.name for task in reported.tasks for digest in _images(reported, task.name)}
    for task in validation.tasks:
        shared = [digest for digest in _images(validation, task.name) if digest in known]
        if shared:
            raise BadInput(
                f"validation task {task.name} shares an image with task {known[shared[0]]} of {suite}; "
                "options must be tuned on other concepts than the reported ones"
            )


def _images(stream: Stream, name: str) -> list[str]:
    (task,) = (task for task in stream.tasks if task.name == name)
    return [image_digest(path) for path in (*(e.image for e in task.examples), *task.references)]


def objective_of(record: Record, metric: str) -> float:
    """The objective of a finished trial, higher is better: of a distance it is the negative."""
    value = SUMMARIES[OBJECTIVE].of(record.scores[metric])
    if value is None:
        raise BadInput(f"{record.file_name} has no {OBJECTIVE} of {metric}")
    return value if record.scores[metric].scale.better == "higher" else -value
