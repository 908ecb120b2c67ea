"""The pages of the documentation as data: fenced blocks, commands, links."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ]
)
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')
SPAN = re.compile(r"`(cbench [^`]+)`")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    title: str
    text: str


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return str(page.relative_to(ROOT))


def blocks(text: str) -> list[Block]:
    """All fenced blocks of a page, in order."""
    return [
        Block(language, title[1] if (title := TITLE.search(about)) else "", body)
        for language, about, body in FENCE.findall(text)
    ]


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", text)


def lines(body: str) -> Iterator[str]:
    """Lines of a shell block; one that ends in a backslash is joined with the next."""
    yield from (line for line in body.replace("\\\n", " ").splitlines() if line.strip())


def commands(text: str) -> list[list[str]]:
    """Every complete `cbench ...` of a page's shell blocks and transcripts, as words."""
    found = []
    for language, _, body in blocks(text):
        if language in ("bash", "console"):
            typed = [
                line.removeprefix("$ ") for line in lines(body) if language == "bash" or line[:2] == "$ "
            ]
            found += [words for line in typed for words in cbench_calls(line)]
    return found


def spans(text: str) -> list[list[str]]:
    """Every `cbench ...` that a page's sentences mention, as words; three dots stand for the rest."""
    return [words for span in SPAN.findall(prose(text)) for words in cbench_calls(span)]


def cbench_calls(line: str) -> list[list[str]]:
    """The words after `cbench` of each such command in a shell line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    lexer.whitespace_split, lexer.commenters = True, "#"
    calls: list[list[str]] = []
    inside = False
    for word in lexer:
        if set(word) <= set(";&|()<>"):
            inside = False
        elif word == "cbench" and not inside:
            calls.append([])
            inside = True
        elif inside and word != "...":
            calls[-1].append(word)
    return calls
