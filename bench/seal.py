"""A seal in front of a JSON text: a number that somebody, or a disk, changed afterwards is noticed when the
text is read."""

import hashlib
import re

SEAL = re.compile(r'\{\s*"seal"\s*:\s*"([0-9a-f]*)"\s*,')


def sealed(text: str) -> str:
    """The text of a JSON object with its digest as the first key."""
    return f'{{"seal":"{_digest(text[1:])}",{text[1:]}'


def unsealed(text: str) -> tuple[str, bool]:
    """The object's text without the seal, and whether it still is what was sealed (also true of a text that
    never was)."""
    found = SEAL.match(text)
    if not found:
        return text, True
    rest = text[found.end() :]
    return "{" + rest, _digest(rest) == found[1]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
