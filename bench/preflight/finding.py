"""The result of one check."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One line of a check-up."""

    what: str
    good: bool
    detail: str
