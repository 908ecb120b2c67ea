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
from cbench.scale import COSINE
from cbench.utils.files import open_file
from cbench.utils.text import first_error, one_line, read_text

SCHEMA = 2


VERSION = re.compile(r'"schema_version"\s*:\s*(\d+)')


def _with_scales(data: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew cosine similarities alone, and did not say so."""
    cosine, scores = COSINE.model_dump(), data.get("scores")
    if isinstance(scores, dict):  # else the record is refused, with the field's name
        scores = {m: s | {"scale": cosine} if isinstance(s, dict) else s for m, s in scores.items()}
        data = data | {"scores": scores}
    return data | {"schema_version": 2}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _with_scales}
"""Schema n -> the function that migrates a record from n to n + 1."""


def record_text(record: Record, indent: int | None = 1) -> str:
    """The content of a record's file: sealed JSON, on one line without `indent`."""
    return add_seal(record.model_dump_json(indent=indent)) + "\n"


def parse_record(text: str, where: str) -> Record:
    """The record in a JSON text of the file `where`; older schemas are migrated.

    Raises BadInput with the file and the field if it is invalid, of a newer schema, or its seal does not
    match or is gone. The seal is a checksum against accidents, no signature: whoever can write the file can
    seal it."""
    body, intact = split_seal(text.rstrip())
    record, version = None, VERSION.search(body[:200])
    if version and int(version[1]) == SCHEMA:
        with suppress(ValidationError):  # most records are intact and of this schema: one pass is enough
            record = Record.model_validate_json(body)
    if record is None or "schema_version" not in record.model_fields_set:
        record = _migrate(body, where)
    if record.source is not None and not SEAL.match(text):  # who names the code also seals
        raise BadInput(
            f"{where} has no seal, which this cbench writes: it was changed since; restore it from a copy, "
            "or move it away and run again"
        )
    if not intact:
        raise BadInput(
            f"{where} was changed after cbench wrote it (its seal does not match); restore it from a copy, "
            "or move it away and run again"
        )
    return record


def _migrate(text: str, where: str) -> Record:
    """The record in a text of an older schema, or the reason why it is not a record."""
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
        raise BadInput(f"{where}: {first_error(error, 'record')}") from error


def check_schema(path: Path) -> None:
    """Raises BadInput if the head of a record's file names a newer schema; nothing else is checked."""
    with suppress(OSError), open_file(path) as file:
        version = VERSION.search(file.read(200).decode("utf-8", "replace"))
        if version and int(version[1]) > SCHEMA:
            raise _newer(str(path), int(version[1]))


def _newer(where: str, schema: int) -> BadInput:
    return BadInput(f"{where} has schema {schema}, newer than this cbench reads ({SCHEMA}); upgrade cbench")


def read_record(path: Path) -> Record:
    """The record in a file."""
    return parse_record(read_text(path, "record"), str(path))


SEAL = re.compile(r'\{\s*"seal"\s*:\s*"([0-9a-f]*)"\s*,')


def add_seal(text: str) -> str:
    """The text of a JSON object with its digest (the seal) as the first key."""
    return f'{{"seal":"{_digest(text[1:])}",{text[1:]}'


def split_seal(text: str) -> tuple[str, bool]:
    """The object's text without the seal, and whether the seal matches (True without a seal)."""
    match = SEAL.match(text)
    if not match:
        return text, True
    rest = text[match.end() :]
    return "{" + rest, _digest(rest) == match[1]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
