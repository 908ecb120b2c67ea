"""Where two runs come from, field by field: what may move the last bits of a number, or explain a larger
move."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cbench.record.record import Record
from cbench.utils.text import printable

WHEN = ("created", "packages")
"""When a run was made says nothing; the packages are told one by one."""


SHOWN = 3
"""Values shown of a side; --json has all."""


class Differs(NamedTuple):
    """A field of the provenance that is not the same on both sides."""

    field: str
    one: tuple[str, ...]
    two: tuple[str, ...]
    runs: int
    """Pairs of runs in which it differs."""


def fields(record: Record) -> dict[str, str]:
    """What a run's numbers come from: versions, commit, device with its kind of processor, precision,
    threads."""
    known = record.provenance.model_dump(exclude=set(WHEN)).items()
    packages = sorted(record.provenance.packages.items())
    return {name: "" if value is None else str(value) for name, value in (*known, *packages)}


def differences(pairs: Iterable[tuple[Record, Record]]) -> list[Differs]:
    """The fields that differ within at least one pair of runs, each with the values that such pairs have."""
    found: dict[str, list[tuple[str, str]]] = {}
    for one, two in pairs:
        left, right = fields(one), fields(two)
        for name in dict.fromkeys((*left, *right)):
            if (values := (left.get(name, ""), right.get(name, "")))[0] != values[1]:
                found.setdefault(name, []).append(values)
    return [
        Differs(name, _distinct(v[0] for v in told), _distinct(v[1] for v in told), len(told))
        for name, told in found.items()
    ]


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def told(values: Sequence[str]) -> str:
    """The values of a side in a line; `unknown` for what a record does not say."""
    shown = [printable(value) or "unknown" for value in values[:SHOWN]]
    return ", ".join(shown) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
