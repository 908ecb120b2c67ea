"""What `cbench tune` may try: an option's range, declared beside its default.

```python
@dataclass(frozen=True)
class L2(Method):
    strength: float = tunable(1.0, low=1e-3, high=1e3)
```
"""

import dataclasses
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from cbench.errors import BadInput

KEY = "range"
"""Of a field's metadata."""
DIGITS = 3
"""Significant digits of a value that is tried."""


class Range(NamedTuple):
    """The values of an option that may be tried, both ends included."""

    low: float
    high: float
    log: bool = True
    """Whether the trials are spread evenly over the logarithm of the value, not over the value."""

    def at(self, share: float) -> float:
        """The value at a share in [0, 1] of the range."""
        if self.log:
            return self.low * (self.high / self.low) ** share
        return self.low + (self.high - self.low) * share


def tunable(default: float, low: float, high: float, log: bool = True) -> Any:
    """An option of a method with its default, and the range that `cbench tune` searches. ValueError for a
    range that is none."""
    if not (isfinite(low) and isfinite(high) and low < high) or (log and low <= 0):
        raise ValueError(f"range {low} to {high}: low must be below high, and above 0 if log")
    return dataclasses.field(default=default, metadata={KEY: Range(low, high, log)})


def space_of(method: type) -> dict[str, Range]:
    """The options of a method with a range, in the order of its fields."""
    fields: Any = dataclasses.fields(method)
    return {field.name: field.metadata[KEY] for field in fields if KEY in field.metadata}


def design(space: Mapping[str, Range], whole: frozenset[str], count: int) -> list[dict[str, float | int]]:
    """The values to try: the first `count` different points of Halton's sequence (scipy.stats.qmc), the first
    of which is the middle of every range. More trials begin with the same ones.

    `whole` names the options that are integers. BadInput if the ranges have fewer values."""
    from scipy.stats import qmc

    sequence = qmc.Halton(len(space), scramble=False)
    sequence.fast_forward(1)  # its first point is 0, the low end of every range
    points = list[dict[str, float | int]]()
    for shares in sequence.random(100 * count):
        point = {
            name: _rounded(one, float(share), name in whole)
            for (name, one), share in zip(space.items(), shares, strict=True)
        }
        if point not in points:
            points.append(point)
        if len(points) == count:
            return points
    raise BadInput(f"the ranges have only {len(points)} different values; give --trials {len(points)}")


def _rounded(one: Range, share: float, whole: bool) -> float | int:
    value = one.at(share)
    if whole:
        return min(max(round(value), -int(-one.low // 1)), int(one.high // 1))
    return min(max(float(f"{value:.{DIGITS}g}"), one.low), one.high)
