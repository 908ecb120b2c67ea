"""Text from elsewhere, made safe for a terminal and for a line."""

import unicodedata


def printable(text: str) -> str:
    """The text without control and formatting characters (terminal escapes, line breaks, reversed reading
    order)."""
    kept = (" " if c in "\n\r\t" or unicodedata.category(c).startswith("Z") else c for c in text)
    return "".join(c for c in kept if not unicodedata.category(c).startswith("C"))


def one_line(text: object, most: int = 600) -> str:
    """The text as one printable line of at most `most` characters; what is too long loses its middle."""
    line = " ".join(printable(str(text)).split())
    return line if len(line) <= most else f"{line[: most // 2 - 3]}...{line[-most // 2 :]}"
