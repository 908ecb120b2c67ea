"""The base model learns nothing."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from cbench.method import Memory
from cbench.plugins.methods import make_method

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_base_trains_nothing():
    method = make_method("base", {})
    assert not method.trains and method.model(Memory(), algebra.TASK) == {}
