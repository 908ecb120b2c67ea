"""Numbers that were measured, with the ranges outside of which a stored one was edited: nothing that reads
records can overflow."""

from typing import Annotated

from pydantic import Field, FiniteFloat

Cosine = Annotated[FiniteFloat, Field(strict=True, ge=-1.001, le=1.001)]
"""A mean of cosine similarities, in [-1, 1] but for rounding; neither text nor true stands for a number."""


Seconds = Annotated[FiniteFloat, Field(ge=0, le=1e10)]
"""At most some three hundred years."""


Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Bytes or parameters."""
