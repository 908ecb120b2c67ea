"""Experience replay against its definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.naive import Naive
from cbench.methods.replay import Replay
from cbench.plugins.methods import make_method
from cbench.task import Example, Task
from cbench.update import gaussian

QUICK = settings(max_examples=20, deadline=None)

ADAPTER = gaussian({"a": (3, 4)}, 2, 0)


def task(name, images=3):
    examples = tuple(Example(f"{name}/{i}.png", f"a {name}") for i in range(images))
    return Task(name, examples, ("reference.png",), ("evaluated",), ("a",))


def after(method, tasks):
    memory = Memory()
    for one in tasks:
        memory = method.keep(memory, ADAPTER, one)
    return memory


@QUICK
@given(kept=st.integers(0, 5), counts=st.lists(st.integers(1, 6), max_size=4))
def test_the_first_k_images_of_every_task_are_rehearsed(kept, counts):
    method, tasks = Replay(kept, 0.5), [task(str(i), count) for i, count in enumerate(counts)]
    memory = after(method, tasks)
    first = tuple(example for one in tasks for example in one.examples[:kept])
    rehearsal = method.rehearse(memory, task("new"))
    assert memory.examples == first and (rehearsal is None) == (not first)
    if rehearsal:
        assert (rehearsal.examples, rehearsal.weight, rehearsal.target) == (first, 0.5, "noise")


def test_after_three_tasks_the_buffer_has_k_images_of_each():
    examples = after(Replay(2), [task("x"), task("y"), task("z")]).examples
    assert [e.prompt for e in examples] == ["a x", "a x", "a y", "a y", "a z", "a z"]


def test_without_weight_nothing_is_rehearsed():
    assert Replay(weight=0).rehearse(after(Replay(), [task("x")]), task("new")) is None


def test_the_rest_is_naive():
    method, memory, fresh = Replay(), after(Replay(), [task("x")]), gaussian({"a": (3, 4)}, 2, 1)
    for hook, more in (("frozen", ()), ("start", (fresh,)), ("model", (task("x"),))):
        one, two = (getattr(m, hook)(memory, *more) for m in (method, Naive()))
        assert one.keys() == two.keys() and all(map(same, one.values(), two.values()))


def same(one, two):
    return all((x == y).all() for x, y in zip(one, two, strict=True))


@pytest.mark.parametrize("options", [{"images_per_task": "-1"}, {"weight": "-1"}, {"weight": "nan"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of replay: Input should be"):
        make_method("replay", options)
