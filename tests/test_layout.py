"""The five folders are one package: nothing of it shadows another, wherever Python starts."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", [ROOT, ROOT.parent])
def test_hugging_face_datasets_is_not_shadowed(folder):
    program = (
        "import sys\nsys.path = [p for p in sys.path if p not in ('', sys.argv[1])]\n"
        "import cbench.datasets.folder, importlib.util\n"
        "found = importlib.util.find_spec('datasets')\n"
        "assert found is None or sys.argv[1] not in str(found.origin), found\n"
    )
    subprocess.run([sys.executable, "-c", program, str(ROOT)], cwd=folder, check=True)


def test_transformers_sees_no_datasets_library_in_the_repository_root():
    program = "from transformers.utils import is_datasets_available\nprint(is_datasets_available())"
    told = subprocess.run([sys.executable, "-P", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    elsewhere = subprocess.run([sys.executable, "-P", "-c", program], cwd=ROOT.parent, capture_output=True, text=True, check=True).stdout
    assert told == elsewhere


def test_the_root_is_not_on_the_path_of_the_tests():
    assert str(ROOT) not in sys.path
