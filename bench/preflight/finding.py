"""One result of a check."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One line of the check-up."""

    what: str
    good: bool
    told: str
