"""Merge & initialization sums the products of fresh adapters."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from cbench.plugins.methods import make_method
from cbench.update import gaussian

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_merge_init_sums_products_and_starts_fresh():
    method, trained, fresh = (
        make_method("merge_init", {}),
        algebra.adapters(3),
        gaussian(algebra.SHAPES, 2, 0),
    )
    memory = algebra.after(method, trained)
    assert method.start(memory, fresh) is fresh
    algebra.close(
        method.model(memory, algebra.TASK),
        {name: sum(a[name].B @ a[name].A for a in trained) for name in algebra.SHAPES},
    )
    algebra.close(method.frozen(memory), method.model(memory, algebra.TASK))
