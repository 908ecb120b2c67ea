"""The record of one run: what was run, the score matrices, what it cost, where it comes from. One JSON file a
run."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cbench.companions import Companions
from cbench.digest import digest_json
from cbench.errors import BadInput
from cbench.measured import Cosine, Count, Seconds
from cbench.printable import one_line
from cbench.read import first_fault, read_text
from cbench.seal import sealed, unsealed
from cbench.slug import Slug

SCHEMA = 1
LONGEST = 240
"""Bytes of a file name; a longer one becomes a digest (file systems end at 255)."""
SAID = re.compile(r'"schema_version"\s*:\s*(\d+)')
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema n -> the function that lifts a record from n to n + 1."""


Key = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A key of the store; nothing else may come near a path."""


def _whole(schema: Any) -> Any:
    if type(schema) is not int:  # True and 1.0 equal 1
        raise ValueError("a schema is a whole number")
    return schema


class Part(BaseModel):
    """A frozen part of a record; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrackRef(Part):
    """Which protocol: two records belong to one table only where the digests agree."""

    name: Slug
    version: int
    digest: str


class MethodRef(Part):
    """Which method, with its options."""

    name: Slug
    title: str
    version: int
    regime: Literal["strict", "replay", "oracle"]
    options: dict[str, bool | int | float | str] = {}

    @property
    def label(self) -> str:
        """The name with the options that are set: `ortho_init(exact=true)`."""
        told = ",".join(f"{k}={json.dumps(v).strip(chr(34))}" for k, v in sorted(self.options.items()))
        return f"{self.name}({told})" if told else self.name


class Scores(Part):
    """One metric's matrix. `base[j]`: the base model on task j; `rows[i][j]`: the model after task i on task
    j, j <= i."""

    base: tuple[Cosine, ...]
    rows: tuple[tuple[Cosine, ...], ...]

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Scores":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of a score matrix holds i + 1 numbers")
        return self


class Costs(Part):
    """What the run took, work shared with other runs included (seconds as measured when the work was
    done)."""

    train_seconds: Seconds = 0
    sample_seconds: Seconds = 0
    score_seconds: Seconds = 0
    peak_memory_bytes: Count = 0
    trained_parameters: Count = 0
    memory_bytes: Count = 0
    """The most that was carried from one task to the next."""
    disk_bytes: Count = 0


class Provenance(Part):
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


class Kept(Part):
    """Keys of what the store holds for this run, in the shape of the matrix."""

    adapters: tuple[Key, ...] = ()
    base_images: tuple[Key, ...] = ()
    images: tuple[tuple[Key, ...], ...] = ()


class Record(Part):
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
    companions: Companions | None = None
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


def as_text(record: Record, indent: int | None = 1) -> str:
    """What a record's file holds: JSON, sealed; on one line without `indent`."""
    return sealed(record.model_dump_json(indent=indent)) + "\n"


def parse(text: str, where: str) -> Record:
    """The record in a JSON text; older schemas are lifted, newer ones refused. BadInput names the place and
    the field, or a broken seal."""
    body, whole = unsealed(text.rstrip())
    found = None
    with suppress(ValidationError):
        found = Record.model_validate_json(
            body
        )  # most records are whole and of this schema: one pass over the text is enough
    if found is None or "schema_version" not in found.model_fields_set:
        found = _lift(body, where)
    if not whole:
        raise BadInput(
            f"{where} was changed after cbench wrote it (its seal does not fit); run it again, or take it "
            "from a copy"
        )
    return found


def _lift(text: str, where: str) -> Record:
    """The record in a text that is not plainly one of this schema, or why it is none."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} is not a record: {one_line(error)}") from error
    schema = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise BadInput(f"{where} is not a record: it has no schema_version")
    if schema > SCHEMA:
        raise _newer(where, schema)
    while schema < SCHEMA:
        if schema not in MIGRATIONS:
            raise BadInput(f"{where} has schema {schema}, which no version of cbench wrote")
        data, schema = MIGRATIONS[schema](data), schema + 1
        text = json.dumps(data)
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"{where}: {first_fault(error, 'record')}") from error


def check_schema(path: Path) -> None:
    """BadInput where a record's file says near its beginning that a newer cbench wrote it; what else is wrong
    with it is not looked at."""
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        said = SAID.search(file.read(200))
        if said and int(said[1]) > SCHEMA:
            raise _newer(str(path), int(said[1]))


def _newer(where: str, schema: int) -> BadInput:
    return BadInput(f"{where} has schema {schema}, newer than this cbench reads ({SCHEMA}); upgrade cbench")


def read(path: Path) -> Record:
    """The record in a file."""
    return parse(read_text(path, "record"), str(path))


def read_all(folder: Path) -> list[Record]:
    """All records of a results folder (`<folder>/records`, or the folder itself), sorted by file name;
    BadInput where there is none."""
    home = folder / "records" if (folder / "records").is_dir() else folder
    paths = sorted(home.glob("*.json"))
    if not paths:
        raise BadInput(f"no records in {folder}; `cbench run` writes them")
    return [read(path) for path in paths]
