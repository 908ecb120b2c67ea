"""The board's pages, as files and in headless Chromium."""

import re
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard.board.site import build, write
from cbench.leaderboard.collect import boards
from cbench.leaderboard.io import load

pytest.importorskip("itables", reason="the extra `board` is not installed")
pytest.importorskip("plotly", reason="the extra `board` is not installed")
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, records: SimpleNamespace) -> Path:
    home = tmp_path_factory.mktemp("board")
    made_up = [*records.grid(), *(records.make_record("evil", order=o, title=HOSTILE) for o in (0, 5))]
    stored = load([records.write(home, made_up)])
    write(build(boards(stored), stored, "naive"), home / "site")
    return home / "site"


def test_every_link_leads_to_a_file(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        for target in re.findall(r'(?:href|src)="([^"#]+)"', page.read_text()):
            assert (page.parent / target).is_file(), (page.name, target)


def test_no_page_needs_the_network(site: Path) -> None:
    assert not any(re.search(r'(?:href|src)="(?:https?:)?//', p.read_text()) for p in site.rglob("*.html"))


def test_a_hostile_title_is_escaped(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert "<script>document" not in page.read_text() and "<img src=x" not in page.read_text()
    assert "owned" in (site / "index.html").read_text()


def test_a_folder_of_something_else_is_left_alone(site: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BadInput, match="no board"):
        write({}, tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def _dom(page: Path, script: str, profile: Path) -> str:
    """The page after a script has run in it."""
    copy = page.with_name(f"test-{page.name}")
    copy.write_text(page.read_text().replace("</body>", f"<script>{script}</script></body>"))
    assert CHROMIUM
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    command += [f"--user-data-dir={profile}", "--dump-dom", copy.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    copy.unlink()
    return dom


def _methods(dom: str) -> list[str]:
    return re.findall(r'<a href="[^"]*methods/[^"]*">([^<]*)</a>', dom)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_filter_and_sort_in_a_browser(site: Path, tmp_path: Path) -> None:
    choose = "const s=document.querySelector('[data-filter=metric]');s.value='mini_dino';"
    choose += "s.dispatchEvent(new Event('change'));"
    plain = _dom(site / "index.html", "", tmp_path)
    filtered = _dom(site / "index.html", choose, tmp_path)
    head = "document.querySelectorAll('table.results thead th')[6]"
    ranked = _dom(site / "index.html", f"{choose}{head}.click();", tmp_path)
    assert len(_methods(plain)) == 10 and len(_methods(filtered)) == 5
    rows = ranked[ranked.index("<tbody") :].split("<tr")[1:]
    scores = [float(re.findall(r'data-order="([^"]*)"', row)[0]) for row in rows]
    assert len(scores) == 5 and scores == sorted(scores)
    assert _methods(ranked) != _methods(filtered)
    assert "<title>Leaderboard - cbench</title>" in plain


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_charts_are_drawn_in_a_browser(site: Path, tmp_path: Path) -> None:
    dom = _dom(next((site / "suites").glob("*.html")), "", tmp_path)
    assert dom.count('class="main-svg"') >= 3 and "owned" not in re.findall("<title>(.*?)</title>", dom)[0]
