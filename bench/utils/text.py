"""Text from outside, made safe: files up to a size limit, restricted YAML, one line for a terminal."""

import re
import unicodedata
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cbench.errors import BadInput
from cbench.utils.files import open_file


def megabytes(size: int) -> str:
    """`87 MB`, `6.9 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


LARGEST = 64 * 2**20
"""Bytes of the largest text file that is read; a record of a thousand tasks has a few MB."""


NODES = 200_000
"""Values of the largest YAML file, aliases counted each time they are used."""


def read_text(path: Path, what: str) -> str:
    """The text of a file. Raises BadInput if it cannot be read, is not UTF-8, or is too large."""
    try:
        with open_file(path) as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise BadInput(f"{what} {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise BadInput(f"{what} {path}: larger than {LARGEST // 2**20} MB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{what} {path} is not text: {error.reason} at byte {error.start}") from error


def read_yaml(path: Path, what: str) -> Any:
    """The values in a YAML file. Raises BadInput if it is invalid, repeats a key, is nested too deeply, or
    its aliases expand to too many values."""
    text = read_text(path, what)
    try:
        values = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{what} {path} is not YAML: {one_line(error)}") from error
    except RecursionError as error:
        raise BadInput(f"{what} {path} is nested too deeply") from error
    if _expanded(values) > NODES:
        raise BadInput(f"{what} {path} has more than {NODES} values after its aliases are expanded")
    return values


def first_error(error: ValidationError, whole: str = "top level") -> str:
    """`training.rank: Input should be greater than or equal to 1`: the first error, with `whole` for an error
    that belongs to no single field."""

    first = error.errors()[0]
    return f"{one_line('.'.join(map(str, first['loc'])) or whole, 120)}: {one_line(first['msg'])}"


class _Loader(yaml.SafeLoader):
    """The safe loader with the plain scalars of YAML 1.2: `yes`, `010` and `1:30` are no boolean, no 8 and no
    90. A duplicate key is an error instead of the last one winning."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        """The mapping. Raises ConstructorError for a duplicate key."""
        keys = [
            self.construct_object(key)
            for key, _ in node.value
            if isinstance(key, yaml.ScalarNode) and key.value != "<<"
        ]
        duplicates = sorted({str(key) for key in keys if keys.count(key) > 1})
        if duplicates:
            raise yaml.constructor.ConstructorError(
                None, None, f"duplicate key {duplicates[0]!r}", node.start_mark
            )
        return super().construct_mapping(node, deep)


SCALARS = {
    "null": (r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?(?:\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)",
        list("-+0123456789."),
    ),
    "merge": (r"<<", ["<"]),
}
"""The plain scalars that are no text, and the characters that each may begin with."""


for _kind, (_pattern, _first) in SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^{_pattern}$"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


def _expanded(value: Any) -> int:
    """The number of nested values, at most a few more than NODES."""
    count, open_values = 0, [value]
    while open_values and count <= NODES:
        count, last = count + 1, open_values.pop()
        if isinstance(last, dict):
            open_values += [*last.keys(), *last.values()]
        elif isinstance(last, list | tuple | set):
            open_values += last
    return count


def printable(text: str) -> str:
    """The text without control characters (terminal escapes, line breaks, bidirectional marks)."""
    spaced = (" " if c in "\n\r\t" or unicodedata.category(c).startswith("Z") else c for c in text)
    return "".join(c for c in spaced if not unicodedata.category(c).startswith("C"))


def one_line(text: object, most: int = 600) -> str:
    """The text as one printable line of at most `most` characters; longer text loses its middle."""
    line = " ".join(printable(str(text)).split())
    return line if len(line) <= most else f"{line[: most // 2 - 3]}...{line[-most // 2 :]}"
