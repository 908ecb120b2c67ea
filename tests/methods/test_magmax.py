"""Magnitude-based merging keeps the larger entry."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch

from cbench.plugins.methods import make_method

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_magmax_keeps_the_larger_entry():
    trained = algebra.adapters(3)
    memory = algebra.after(make_method("magmax", {}), trained)
    for name, shape in algebra.SHAPES.items():
        running = torch.zeros(shape)
        for adapter in trained:
            new = adapter[name].B @ adapter[name].A
            running = torch.where(running.abs() > new.abs(), running, new)
        torch.testing.assert_close(memory.update[name], running)
