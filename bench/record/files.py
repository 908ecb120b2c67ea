"""Record files: parse, migrate, seal and write."""

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cbench.errors import BadInput
from cbench.record.record import Record
from cbench.utils.text import first_fault, one_line, read_text

SCHEMA = 1


SAID = re.compile(r'"schema_version"\s*:\s*(\d+)')


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema n -> the function that lifts a record from n to n + 1."""


def record_text(record: Record, indent: int | None = 1) -> str:
    """What a record's file holds: JSON, sealed; on one line without `indent`."""
    return add_seal(record.model_dump_json(indent=indent)) + "\n"


def parse_record(text: str, where: str) -> Record:
    """The record in a JSON text; older schemas are lifted, newer ones refused. BadInput names the place and
    the field, or a broken seal."""
    body, whole = split_seal(text.rstrip())
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


def read_record(path: Path) -> Record:
    """The record in a file."""
    return parse_record(read_text(path, "record"), str(path))


SEAL = re.compile(r'\{\s*"seal"\s*:\s*"([0-9a-f]*)"\s*,')


def add_seal(text: str) -> str:
    """The text of a JSON object with its digest as the first key."""
    return f'{{"seal":"{_digest(text[1:])}",{text[1:]}'


def split_seal(text: str) -> tuple[str, bool]:
    """The object's text without the seal, and whether it still is what was sealed (also true of a text that
    never was)."""
    found = SEAL.match(text)
    if not found:
        return text, True
    rest = text[found.end() :]
    return "{" + rest, _digest(rest) == found[1]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
