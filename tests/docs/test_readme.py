"""README's two commands: one line each, complete on a bare machine, the same wherever they are shown."""

import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))
ROOT = pages.ROOT
BARE = "python3 -m venv .venv && . .venv/bin/activate && pip install uv && uv pip install --compile-bytecode "


def shell_blocks(page: str) -> list[str]:
    return [block.text for block in pages.blocks((ROOT / page).read_text()) if block.language == "bash"]


def test_two_commands_of_one_line_each() -> None:
    run, test = shell_blocks("README.md")
    assert run.count("\n") == test.count("\n") == 1
    assert run.startswith(BARE) and " && cbench run " in run
    assert test.startswith(BARE) and test.endswith(" && pytest -n auto --dist worksteal\n")


def test_first_run_shows_the_same_command() -> None:
    assert shell_blocks("docs/start.md")[0] == shell_blocks("README.md")[0]


def test_ci_takes_the_test_command_from_readme() -> None:
    line = next(line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "<!-- test -->" in line)
    extract = line[line.index("<(") + 2 : line.rindex(")")]
    done = subprocess.run(["bash", "-c", extract], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == shell_blocks("README.md")[1]


def test_documentation_is_built_by_ci() -> None:
    assert "recipes/docs/build.sh" in (ROOT / ".ci" / "run").read_text().splitlines()
