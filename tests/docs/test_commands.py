"""Every `cbench ...` in README and docs is a command that there is: its verb and its options exist."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from cbench.cli import USAGE, app

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
WHOLE = [(pages.name_of(p), words) for p in pages.PAGES for words in pages.commands(p.read_text())]
MENTIONED = [(pages.name_of(p), words) for p in pages.PAGES for words in pages.spans(p.read_text())]


def parse(words: list[str]) -> None:
    """Parse without running; the error is the one that a user would see."""
    group = typer.main.get_command(app)
    context = group.make_context("cbench", [], resilient_parsing=True)
    if words[0].startswith("-"):
        assert words[0] in {"--help", *(flag for parameter in group.params for flag in parameter.opts)}
        return
    command = group.get_command(context, words[0])
    assert command is not None, f"no verb {words[0]}"
    if "--help" not in words:
        command.make_context(words[0], words[1:], parent=context)


@pytest.mark.parametrize(
    ("page", "words"), WHOLE, ids=lambda value: " ".join(value) if isinstance(value, list) else value
)
def test_command_parses(page: str, words: list[str]) -> None:
    parse(words)


@pytest.mark.parametrize(
    ("page", "words"), MENTIONED, ids=lambda value: " ".join(value) if isinstance(value, list) else value
)
def test_mention_names_what_there_is(page: str, words: list[str]) -> None:
    """Mentions may leave out what a command requires, and write VERB for any verb."""
    if not words or words[0] == "VERB":
        return
    try:
        parse(words)
    except USAGE as error:
        assert type(error).__name__ == "MissingParameter" or "requires an argument" in error.format_message()


def test_there_are_commands() -> None:
    assert len(WHOLE) > 30 and len(MENTIONED) > 10


def test_every_verb_is_shown_on_some_page() -> None:
    from cbench.cli import VERBS

    shown = {words[0] for _, words in WHOLE + MENTIONED}
    assert set(VERBS) <= shown
