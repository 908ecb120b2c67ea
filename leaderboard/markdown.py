"""Numbers and names as markdown; text from a record cannot break a table or inject HTML."""

import re
from collections.abc import Sequence
from functools import lru_cache

from tabulate import tabulate

from cbench.leaderboard.statistics import Spread
from cbench.utils.text import printable

NONE = "-"
NAMES = 4096
"""How many texts keep their markdown: a table repeats its names."""
_SPECIAL = re.compile(r"[\\`*\[\]|~#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_JOINER = "&#8288;"
"""A mark without width, which ends a word for who looks for links: an escape or an entity does not, because
GitHub looks for mentions and references in what is shown."""
_LINK = re.compile(r"@|#|(?<=:)(?=/)|(?<=www)(?=\.)|(?<=GH-)", re.IGNORECASE)
"""What makes GitHub link a word: a mention or an address, a reference, the start of a URL."""
_IN_CODE = str.maketrans({"`": "'", "|": "¦"})


@lru_cache(NAMES)
def plain(text: str) -> str:
    """The text with markdown, HTML and formulas escaped, and no link, mention or reference in it."""
    parts = _LINK.split(printable(text))
    marks = _LINK.findall(printable(text))
    escaped = (_escaped(part + mark) for part, mark in zip(parts, [*marks, ""], strict=True))
    return _JOINER.join(escaped)


def _escaped(text: str) -> str:
    return "".join(_HTML.get(c, c) for c in _SPECIAL.sub(r"\\\g<0>", text))


@lru_cache(NAMES)
def code(text: str) -> str:
    """The text as a code span. Backticks and bars, which cannot be escaped inside one, become look-alikes."""
    return f"`{printable(text).translate(_IN_CODE)}`"


def number(value: float | None, digits: int = 3) -> str:
    """A number with fixed digits; `-` for None; a rounded zero has no minus sign."""
    zero = f"{0:.{digits}f}"
    return NONE if value is None else f"{value:.{digits}f}".replace(f"-{zero}", zero)


def signed(value: float) -> str:
    """A difference, always with its sign."""
    return f"{value:+.3f}"


def span(interval: tuple[float, float] | None) -> str:
    """An interval; `-` for None."""
    return NONE if interval is None else f"[{number(interval[0])}, {number(interval[1])}]"


def mean_std(cell: Spread | None) -> str:
    """Mean ± population standard deviation; the mean alone for a single run; `-` for None."""
    if cell is None:
        return NONE
    return f"{number(cell.mean)} ± {number(cell.std)}" if cell.n > 1 else number(cell.mean)


def medal(text: str, group: int | None) -> str:
    """The first group bold, the second underlined."""
    return {1: f"**{text}**", 2: f"<u>{text}</u>"}.get(group or 0, text)


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A markdown table: the first `left` columns are left-aligned, the others right-aligned."""
    align = ["left"] * left + ["right"] * (len(head) - left)
    return tabulate(rows, headers=head, tablefmt="pipe", disable_numparse=True, colalign=align)
