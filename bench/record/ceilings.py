"""The ceilings of a results folder: how similar the real images of a concept are to each other."""

from pathlib import Path
from typing import Literal

from pydantic import Field, FiniteFloat, ValidationError

from cbench.errors import BadInput
from cbench.utils.files import write_atomically
from cbench.utils.names import Slug
from cbench.utils.text import first_error, read_text
from cbench.utils.values import Frozen

FILE = "ceilings.json"
"""Its name in a results folder."""


class Ceiling(Frozen):
    """Real against real in one suite by one metric."""

    track_digest: str
    suite: Slug
    suite_digest: str
    metric: Slug
    tasks: dict[Slug, FiniteFloat] = Field(min_length=1)
    """Task -> mean similarity of each reference to the task's other references."""


class Ceilings(Frozen):
    """The file."""

    schema_version: Literal[1] = 1
    ceilings: tuple[Ceiling, ...]


def read_ceilings(folder: Path) -> tuple[Ceiling, ...]:
    """The ceilings of a results folder; empty without the file. Raises BadInput if it is invalid."""
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        return Ceilings.model_validate_json(read_text(path, "file of ceilings")).ceilings
    except ValidationError as error:
        raise BadInput(
            f"{path}: {first_error(error)}; remove it, `cbench diagnose` writes it again"
        ) from error


def write_ceilings(folder: Path, new: tuple[Ceiling, ...]) -> None:
    """Add ceilings to a results folder; one of the same protocol, suite and metric is replaced."""

    def key(ceiling: Ceiling) -> tuple[str, str, str, str]:
        return ceiling.track_digest, ceiling.suite, ceiling.suite_digest, ceiling.metric

    every = {key(ceiling): ceiling for ceiling in (*read_ceilings(folder), *new)}
    ceilings = Ceilings(ceilings=tuple(every[k] for k in sorted(every)))
    write_atomically(folder / FILE, ceilings.model_dump_json(indent=1) + "\n")
