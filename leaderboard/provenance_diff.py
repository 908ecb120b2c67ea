"""Differences in provenance between runs, field by field: they may explain a difference in numbers."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cbench.record.record import Record
from cbench.utils.text import printable

EXCLUDED = ("created", "packages", "metrics")
"""The date explains nothing; the packages and the metrics' digests are compared one by one."""


SHOWN = 3
"""Values printed for a side; --json has all."""


class Differs(NamedTuple):
    """A field of the provenance that differs."""

    field: str
    one: tuple[str, ...]
    two: tuple[str, ...]
    runs: int
    """Number of pairs of runs in which it differs."""


def fields(record: Record) -> dict[str, str]:
    """A run's provenance: versions, commit, device and processor, precision, threads."""
    known = record.provenance.model_dump(exclude=set(EXCLUDED)).items()
    packages = sorted(record.provenance.packages.items())
    metrics = [(f"metric {name}", digest) for name, digest in sorted(record.provenance.metrics.items())]
    return {name: field_text(value) for name, value in (*known, *packages, *metrics)}


def field_text(value: object) -> str:
    """A provenance field's value on one line; empty for None."""
    return "" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)


def differences(pairs: Iterable[tuple[Record, Record]]) -> list[Differs]:
    """The fields that differ within at least one pair of runs, with the values of those pairs."""
    by_field: dict[str, list[tuple[str, str]]] = {}
    for one, two in pairs:
        left, right = fields(one), fields(two)
        for name in dict.fromkeys((*left, *right)):
            if (values := (left.get(name, ""), right.get(name, "")))[0] != values[1]:
                by_field.setdefault(name, []).append(values)
    return [
        Differs(name, _distinct(v[0] for v in values), _distinct(v[1] for v in values), len(values))
        for name, values in by_field.items()
    ]


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def side(values: Sequence[str]) -> str:
    """The values of one side on one line; `unknown` for a value that the record lacks."""
    listed = [printable(value) or "unknown" for value in values[:SHOWN]]
    return ", ".join(listed) + (f" and {len(values) - SHOWN} more" if len(values) > SHOWN else "")
