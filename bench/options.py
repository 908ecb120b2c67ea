"""The types of methods' options: numbers with their ranges, checked as `--set` is read."""

from typing import Annotated

from pydantic import Field

Share = Annotated[float, Field(gt=0, le=1)]
"""A part of a whole, in (0, 1]."""
Scale = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""A finite factor above 0."""
Rate = Annotated[float, Field(ge=0, lt=1)]
"""A probability of loss, in [0, 1)."""
Strength = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite factor of a term of the loss; 0 leaves the term out."""
Decay = Annotated[float, Field(ge=0, le=1)]
"""What remains of the past, in [0, 1]."""
Count = Annotated[int, Field(ge=0)]
Draws = Annotated[int, Field(ge=1)]
"""A number of random draws, at least 1."""
