"""The types of methods' options: numbers with their ranges, checked as `--set` is read."""

from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(gt=0, le=1)]
"""A part of a whole, in (0, 1]."""
Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite factor above 0."""
Rate = Annotated[float, Field(ge=0, lt=1)]
"""A probability of loss, in [0, 1)."""
