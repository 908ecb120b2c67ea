"""Slugs: names that are safe within a file name and never form a path."""

from typing import Annotated

from pydantic import AfterValidator

LONGEST = 80
"""Characters. A record's file name has three slugs and must stay below a file system's limit of 255 bytes."""


def slug(name: str) -> str:
    """The name itself. Raises ValueError if it is not safe within a file name."""
    if not name or not all(c.isalnum() or c in "-_.=,()" for c in name) or name.startswith("."):
        raise ValueError(f"{name[:LONGEST]!r} may have only letters, digits and -_.=,()")
    if len(name) > LONGEST:
        raise ValueError(f"a name may have {LONGEST} characters, this one has {len(name)}")
    return name


Slug = Annotated[str, AfterValidator(slug)]
