"""Every relative link of README and docs leads to a file, and to a heading where it names one."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
ROOT = pages.ROOT
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(
    r"`((?:bench|methods|metrics|datasets|leaderboard|tests|recipes|examples|docs)/[\w./-]*[\w/])`"
)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as code hosts and the site make them."""
    heads = re.findall(r"^#+ (.+)$", pages.prose(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(pages.prose(page.read_text())):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{pages.name_of(page)} links to {link}"
        assert not anchor or anchor in anchors(target), f"{pages.name_of(page)}: no heading {link}"


@pytest.mark.parametrize("page", pages.PAGES, ids=pages.name_of)
def test_named_files_exist(page: Path) -> None:
    named = PATH.findall(pages.prose(page.read_text()))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_site_links_stay_within_the_docs() -> None:
    """The site has only what is in docs: a link out of it would be broken there."""
    for page in (ROOT / "docs").rglob("*.md"):
        for link in LINK.findall(pages.prose(page.read_text())):
            if "://" not in link and not link.startswith("#"):
                assert (page.parent / link.partition("#")[0]).resolve().is_relative_to(ROOT / "docs"), link


def test_every_page_is_in_the_navigation() -> None:
    def files(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        children = entry.values() if isinstance(entry, dict) else entry
        return [file for child in children for file in files(child)]

    nav = files(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(nav) == sorted(str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md"))
