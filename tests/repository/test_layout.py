"""The five folders are one package: nothing of it shadows another, wherever Python starts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", [ROOT, ROOT.parent])
def test_hugging_face_datasets_is_not_shadowed(folder):
    program = (
        "import sys\nsys.path = [p for p in sys.path if p not in ('', sys.argv[1])]\n"
        "import cbench.datasets.folder, importlib.util\n"
        "found = importlib.util.find_spec('datasets')\n"
        "assert found is None or sys.argv[1] not in str(found.origin), found\n"
    )
    subprocess.run([sys.executable, "-c", program, str(ROOT)], cwd=folder, check=True)


def test_a_run_imports_all_it_needs_when_python_starts_in_the_root():
    program = "import sys; assert '' in sys.path; import cbench.runner, cbench.workbench, cbench.cli.run"
    program += "; import diffusers, transformers, peft"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_root_is_not_on_the_path_of_the_tests():
    assert str(ROOT) not in sys.path
