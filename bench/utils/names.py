"""Slugs: names that are safe within a file name and never form a path."""

from typing import Annotated

from pydantic import AfterValidator

LONGEST = 80
"""Characters of a slug. A record's file name has three and must stay below a file system's limit."""


FILE_NAME = 240
"""Bytes of a file name; file systems allow 255."""


def safe(name: str) -> str:
    """The name itself. Raises ValueError if it is not safe within a file name."""
    if not name or not all(c.isalnum() or c in "-_.=,()" for c in name) or name.startswith("."):
        raise ValueError(f"{name[:LONGEST]!r} may have only letters, digits and -_.=,()")
    if len(name.encode()) > FILE_NAME:
        raise ValueError(f"a file name may have {FILE_NAME} bytes, this one has {len(name.encode())}")
    return name


def slug(name: str) -> str:
    """The name itself. Raises ValueError if it is not safe within a file name, or too long for a part."""
    if len(name) > LONGEST:
        raise ValueError(f"a name may have {LONGEST} characters, this one has {len(name)}")
    return safe(name)


Slug = Annotated[str, AfterValidator(slug)]


RunName = Annotated[str, AfterValidator(safe)]
"""A record's file name without its suffix: of three slugs, the order and the seed."""
