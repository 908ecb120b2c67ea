"""The record of one run: what was run, the score matrices, what it cost, where it comes from. One JSON file a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from cbench.errors import BadInput

SCHEMA = 1
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema n -> the function that lifts a record from n to n + 1."""


def _slug(name: str) -> str:
    if not name or not all(c.isalnum() or c in "-_.=,()" for c in name) or name.startswith("."):
        raise ValueError(f"{name!r} may hold letters, digits and -_.=,() only")
    return name


Slug = Annotated[str, AfterValidator(_slug)]


class Part(BaseModel):
    """A frozen part of a record; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


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
    """One metric's matrix. `base[j]`: the base model on task j; `rows[i][j]`: the model after task i on task j, j <= i."""

    base: tuple[FiniteFloat, ...]
    rows: tuple[tuple[FiniteFloat, ...], ...]

    @model_validator(mode="after")
    def _lower_triangle(self) -> "Scores":
        if any(len(row) != i + 1 for i, row in enumerate(self.rows)):
            raise ValueError("row i of a score matrix holds i + 1 numbers")
        return self


class Costs(Part):
    """What the run took, work shared with other runs included (seconds as measured when the work was done)."""

    train_seconds: float = 0
    sample_seconds: float = 0
    score_seconds: float = 0
    peak_memory_bytes: int = 0
    trained_parameters: int = 0
    memory_bytes: int = 0
    """The most that was carried from one task to the next."""
    disk_bytes: int = 0


class Provenance(Part):
    """Where the numbers come from."""

    cbench: str
    commit: str | None = None
    dirty: bool | None = None
    packages: dict[str, str] = {}
    device: str = ""
    precision: str = ""
    threads: int = 0
    created: str = ""


class Kept(Part):
    """Keys of what the store holds for this run, in the shape of the matrix."""

    adapters: tuple[str, ...] = ()
    base_images: tuple[str, ...] = ()
    images: tuple[tuple[str, ...], ...] = ()


class Record(Part):
    """One run: (track, suite, method, order, seed)."""

    schema_version: Literal[1] = 1
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
    def file_name(self) -> str:
        """`<track>-<suite>-<method>-o<order>-s<seed>.json`."""
        return file_name(self.track, self.suite, self.method, self.order, self.seed)

    @model_validator(mode="after")
    def _fits_tasks(self) -> "Record":
        full = len(self.tasks)
        if any(len(s.base) > full or len(s.rows) > full for s in self.scores.values()):
            raise ValueError("a score matrix is larger than the list of tasks")
        return self


def file_name(track: TrackRef, suite: str, method: MethodRef, order: int, seed: int) -> str:
    """The name of a run's record; what an option's value holds beside letters, digits and -_.=,() becomes `_`, so it is no path."""
    label = "".join(c if c.isalnum() or c in "-_.=,()" else "_" for c in method.label)
    return f"{track.name}-{suite}-{label}-o{order}-s{seed}.json"


def parse(text: str, where: str) -> Record:
    """The record in a JSON text; older schemas are lifted, newer ones refused. BadInput names the place and the field."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where} is not a record: {error}") from error
    schema = data.get("schema_version") if isinstance(data, dict) else None
    if not isinstance(schema, int):
        raise BadInput(f"{where} is not a record: it has no schema_version")
    if schema > SCHEMA:
        raise BadInput(f"{where} has schema {schema}, newer than this cbench reads ({SCHEMA}); upgrade cbench")
    while schema < SCHEMA:
        if schema not in MIGRATIONS:
            raise BadInput(f"{where} has schema {schema}, which no version of cbench wrote")
        data, schema = MIGRATIONS[schema](data), schema + 1
        text = json.dumps(data)
    try:
        return Record.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{where}: {'.'.join(map(str, first['loc'])) or 'record'}: {first['msg']}") from error


def read(path: Path) -> Record:
    """The record in a file."""
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a record: {error.reason}") from error


def read_all(folder: Path) -> list[Record]:
    """All records of a results folder (`<folder>/records`, or the folder itself), sorted by file name; BadInput where there is none."""
    home = folder / "records" if (folder / "records").is_dir() else folder
    paths = sorted(home.glob("*.json"))
    if not paths:
        raise BadInput(f"no records in {folder}; `cbench run` writes them")
    return [read(path) for path in paths]
