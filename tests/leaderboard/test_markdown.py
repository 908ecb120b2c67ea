"""Nothing from a record breaks a table."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.leaderboard.markdown import code, grid, mean_std, medal, number, plain, printable, span
from cbench.leaderboard.statistics import Spread


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_any_text_stays_in_its_cell(text: str) -> None:
    for shown in (plain(text), code(text)):
        line = grid(["a", "b"], [[shown, "1"]]).splitlines()
        assert len(line) == 3
        assert "|" not in shown.replace("\\|", "")
        assert "<" not in plain(text)
        assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("merge_init", "merge_init"),
        ("_x_", "\\_x\\_"),
        ("a|b", "a\\|b"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("[x](y)", "\\[x\\](y)"),
        ("a\nb\u202ec\x1b[31m", "a bc\\[31m"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *(
            "@someone",
            "by @a-b/c",
            "a@b.example",
            "mailto:a@b.example",
            "#12",
            "owner/name#12",
            "GH-12",
            "gh-3",
        ),
        *(
            "http://x.example",
            "HTTPS://x.example",
            "see www.x.example",
            "ftp://x",
            "$E=mc^2$",
            "$$x$$",
            "owner/r@1f",
        ),
    ],
)
def test_nothing_of_it_is_alive_on_github(text: str) -> None:
    """GitHub looks for links in the source, and for mentions and references in the text that is shown."""
    shown = html.unescape(plain(text).replace("\\", ""))
    for source in (plain(text).replace("\\", ""), shown):
        assert not re.search(r"@[\w]|#\d|GH-\d|://|www\.", source.replace("&#", "&"), re.IGNORECASE), source
    assert "$" not in plain(text)
    assert shown.replace("\u2060", "") == text


def test_code() -> None:
    assert code("a`|\x07<b>") == "`a'¦<b>`"


def test_printable_keeps_letters_of_all_scripts() -> None:
    assert printable("żółć 猫\u2028x") == "żółć 猫 x"


def test_numbers() -> None:
    assert (number(None), number(-0.0001), number(0.12345), number(2, 0)) == ("-", "0.000", "0.123", "2")
    assert mean_std(Spread(0.5, 0.25, 1)) == "0.500"
    assert mean_std(Spread(0.5, 0.25, 2)) == "0.500 ± 0.250"
    assert mean_std(None) == span(None) == "-"
    assert (medal("x", 1), medal("x", 2), medal("x", None)) == ("**x**", "<u>x</u>", "x")
