"""The tutorials, followed as a reader would: files are written and commands run in the order of the page."""

import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
ROOT = pages.ROOT
PYTEST = 'pytest() { "$PYTHON" -m pytest -q -p no:cacheprovider "$@"; }; python() { "$PYTHON" "$@"; };'


@pytest.fixture
def reader(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Follows a page in a folder of its own, which has the checkout's `examples`."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def type_in(line: str) -> None:
        words = shlex.split(line, comments=True)
        if words[0] == "cbench":
            code, out, error = cli(*words[1:])
            assert code == 0, f"{line}\n{out}\n{error}"
        elif words[:2] == ["pip", "install"]:
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(site)]
            subprocess.run([sys.executable, "-m", "pip", "install", *options, f"./{words[-1]}"], check=True)
        else:
            done = subprocess.run(["bash", "-ec", PYTEST + line], capture_output=True, text=True)
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"

    def follow(page: str) -> None:
        for block in pages.blocks((ROOT / "docs" / "tutorials" / page).read_text()):
            if block.title:
                path = tmp_path / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text)
            elif block.language == "bash":
                for line in pages.lines(block.text):
                    type_in(line)

    return follow


@pytest.fixture
def small(track_values: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny track in the place of `mini`: the same commands, in seconds."""
    suite = track_values["suites"].pop("colours") | {"metrics": ["mini_dino"]}
    track = tmp_path / "mini.yaml"
    track.write_text(yaml.safe_dump(track_values | {"name": "mini", "suites": {"objects": suite}}))
    monkeypatch.setenv("CBENCH_TRACK", str(track))


@pytest.mark.parametrize("page", ["method.md", "metric.md"])
def test_plugin_tutorial(page: str, small: None, reader) -> None:
    reader(page)


@pytest.mark.parametrize("page", ["suite.md", "track.md"])
def test_data_tutorial(page: str, reader) -> None:
    """On the small pipeline of the package itself."""
    reader(page)


def test_other_python_is_python() -> None:
    for page in pages.PAGES:
        for block in pages.blocks(page.read_text()):
            if block.language == "python":
                compile(block.text, pages.name_of(page), "exec")
