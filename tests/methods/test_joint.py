"""Joint training learns all images so far."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from cbench.method import Budget, Memory
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_examples_are_those_of_all_tasks_in_order():
    method = make_method("joint", {})
    memory = algebra.after(method, algebra.adapters(2))
    assert method.examples(memory, algebra.task(2)) == tuple(algebra.task(n).examples[0] for n in range(3))


def test_steps_grow_with_the_tasks_unless_the_option_says_otherwise():
    method, memory = make_method("joint", {}), algebra.after(make_method("joint", {}), algebra.adapters(2))
    assert method.budget(Memory()) == Budget() and method.budget(memory) == Budget(steps=3)
    assert make_method("joint", {"steps_per_task": "false"}).budget(memory) == Budget()


def test_the_model_is_the_last_adapter_trained_on_the_base_model():
    method, trained = make_method("joint", {}), algebra.adapters(3)
    memory = algebra.after(method, trained)
    assert method.frozen(memory) == {}
    algebra.close(method.model(memory, algebra.TASK), product(trained[-1]))
