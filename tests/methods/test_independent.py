"""Every task has its own adapter."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_each_task_gets_its_own_adapter_whatever_came_later():
    method, trained = make_method("independent", {}), algebra.adapters(3)
    for learned in (1, 2, 3):
        memory = algebra.after(method, trained[:learned])
        assert method.frozen(memory) == {}
        for number in range(learned):
            algebra.close(method.model(memory, algebra.task(number)), product(trained[number]))
