"""Naive fine-tuning goes on with its adapter."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from cbench.plugins.methods import make_method
from cbench.update import gaussian, product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_naive_goes_on_with_its_adapter():
    method, trained = make_method("naive", {}), algebra.adapters(2)
    memory = algebra.after(method, trained)
    assert method.frozen(memory) == {}
    assert method.start(memory, gaussian(algebra.SHAPES, 2, 0)) is trained[1]
    algebra.close(method.model(memory, algebra.TASK), product(trained[1]))
