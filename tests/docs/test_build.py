"""The scripts behind the site: the reference has every verb; a page that loads from elsewhere is found."""

import runpy
from pathlib import Path

import pytest

from cbench.cli import VERBS
from cbench.plugins import registry

DOCS = Path(__file__).parents[2] / "recipes" / "docs"


def test_reference_has_every_verb_and_its_options(capsys: pytest.CaptureFixture) -> None:
    runpy.run_path(str(DOCS / "command_line.py"))["main"]()
    page = capsys.readouterr().out
    assert [line[3:] for line in page.splitlines() if line.startswith("## ")] == list(VERBS)
    assert "| `--limit-tasks` | Learn only the first N tasks." in page
    assert all(line.endswith("|") for line in page.splitlines() if line.startswith("|"))


def test_every_method_has_a_card_with_its_options(capsys: pytest.CaptureFixture) -> None:
    runpy.run_path(str(DOCS / "methods.py"))["main"]()
    page = capsys.readouterr().out
    cards = [line[4:] for line in page.splitlines() if line.startswith("### ")]
    assert sorted(cards) == sorted(registry.entries("methods"))
    assert "| `lam` | `10000.0` | 100 to 1e+06 | Tune." in page
    listed = (Path(__file__).parents[2] / "docs" / "reference" / "methods.md").read_text()
    assert all(f"`{name}`" in listed for name in cards)


@pytest.mark.parametrize(
    "tag",
    [
        '<script src="https://elsewhere.example/a.js"></script>',
        '<link rel="stylesheet" href="//elsewhere.example/a.css">',
        "<style>@import url(https://elsewhere.example/font.css)</style>",
        "<img src=http://elsewhere.example/a.png>",
    ],
)
def test_loading_from_elsewhere_is_found(tag: str, tmp_path: Path) -> None:
    requests = runpy.run_path(str(DOCS / "external.py"))["requests"]
    (tmp_path / "page.html").write_text('<a href="https://free.example">x</a><img src="own.png">')
    assert requests(tmp_path) == []
    (tmp_path / "page.html").write_text(tag)
    assert len(requests(tmp_path)) == 1


def test_outputs_are_renewed(tmp_path: Path) -> None:
    renewed = runpy.run_path(str(DOCS / "transcripts.py"))["renewed"]
    page = "a\n<!-- printed by: echo new; echo lines -->\n```text\nold\n```\nb\n```text\nother\n```\n"
    assert renewed(page, tmp_path) == page.replace("old\n", "new\nlines\n")
