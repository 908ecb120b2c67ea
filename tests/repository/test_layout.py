"""The five folders are one package: nothing of it shadows another, wherever Python starts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["datasets", "metrics", "methods", "leaderboard"])
def test_a_library_of_a_folders_name_is_not_shadowed(tmp_path, name):
    """Even with the root in front: a folder without `__init__.py` gives way to any installed package."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("whose = 'the library'")
    program = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]; sys.path.append({str(tmp_path)!r})\n"
        f"import {name}, cbench.{name}; assert {name}.whose == 'the library'\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_run_imports_all_it_needs_when_python_starts_in_the_root():
    program = "import sys; assert '' in sys.path; import cbench.runner, cbench.workbench, cbench.cli.run"
    program += "; import diffusers, transformers, peft"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_root_is_not_on_the_path_of_the_tests():
    assert str(ROOT) not in sys.path
