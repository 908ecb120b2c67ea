"""Measured numbers with their valid ranges, so that an edited record cannot overflow."""

from typing import Annotated

from pydantic import Field, FiniteFloat

Cosine = Annotated[FiniteFloat, Field(strict=True, ge=-1.001, le=1.001)]
"""A mean of cosine similarities, in [-1, 1] up to rounding; text and booleans are not numbers."""


Score = Annotated[FiniteFloat, Field(strict=True, ge=-1e12, le=1e12)]
"""A number of any metric; its own scale may bound it further. Sums of squares of these do not overflow."""


Seconds = Annotated[FiniteFloat, Field(ge=0, le=1e10)]
"""At most about three hundred years."""


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Bytes or parameters."""
