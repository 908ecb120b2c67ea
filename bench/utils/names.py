"""Slugs: names that may become a part of a file's name, and never a path."""

from typing import Annotated

from pydantic import AfterValidator

LONGEST = 80
"""Characters. A record's file name holds three slugs and must stay below the 255 bytes of a file system."""


def slug(name: str) -> str:
    """The name as it is; ValueError where it may not be part of a file's name."""
    if not name or not all(c.isalnum() or c in "-_.=,()" for c in name) or name.startswith("."):
        raise ValueError(f"{name[:LONGEST]!r} may hold letters, digits and -_.=,() only")
    if len(name) > LONGEST:
        raise ValueError(f"a name may hold {LONGEST} characters, this one has {len(name)}")
    return name


Slug = Annotated[str, AfterValidator(slug)]
