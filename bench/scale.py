"""The scale of a metric: what its numbers mean, and which of two is better."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from cbench.utils.text import printable
from cbench.utils.values import Frozen, Real

Better = Literal["higher", "lower"]

ROUNDING = 0.001
"""How far a number may lie beyond a bound, as a share of half the range: means are rounded."""


class Scale(Frozen):
    """Unit, direction and range of a metric's numbers."""

    unit: str = Field(min_length=1, max_length=60)
    """What one number counts: `cosine similarity`, `MMD² x 1000`, `points`."""
    better: Better
    """Whether a higher or a lower number is better."""
    low: Real | None = None
    """The least number that the definition allows; None: no bound."""
    high: Real | None = None
    """The greatest number that the definition allows; None: no bound."""

    @field_validator("unit")
    @classmethod
    def _is_printable(cls, unit: str) -> str:
        if printable(unit) != unit:  # it is printed in tables, figures and errors
            raise ValueError("a unit may have printable characters and plain spaces only")
        return unit

    @model_validator(mode="after")
    def _has_a_width(self) -> "Scale":
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low {self.low:g} must be less than high {self.high:g}")
        return self

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is: sign * (a - b) is the gain of a over b."""
        return 1 if self.better == "higher" else -1

    @property
    def half_width(self) -> float | None:
        """Half of the range, 1 for a cosine; None without both bounds."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @property
    def limits(self) -> tuple[float, float]:
        """The bounds, each with some room for rounding; infinite where there is none."""
        room = ROUNDING * (1 if self.half_width is None else self.half_width)
        return (
            float("-inf") if self.low is None else self.low - room,
            float("inf") if self.high is None else self.high + room,
        )


COSINE = Scale(unit="cosine similarity", better="higher", low=-1, high=1)
"""The scale of every metric that embeds images."""
