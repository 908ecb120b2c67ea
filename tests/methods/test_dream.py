"""Generative replay against its definition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.method import Memory
from cbench.methods.dream import Dream
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import make_method
from cbench.task import Example, Task

QUICK = settings(max_examples=20, deadline=None)

TASK = Task("t", (Example("t.png", "a t"),), (), ("evaluated",), ("a",))


@QUICK
@given(learned=st.lists(st.text(min_size=1), max_size=4).map(tuple), images=st.integers(1, 9))
def test_dreams_are_of_every_learned_task(learned, images):
    rehearsal = Dream(images, 0.5).rehearse(Memory(learned=learned), TASK)
    assert (rehearsal is None) == (not learned)
    if rehearsal:
        assert (rehearsal.prompts, rehearsal.images_per_prompt) == (learned, images)
        assert (rehearsal.examples, rehearsal.weight, rehearsal.target) == ((), 0.5, "noise")


@pytest.mark.parametrize("method", [Dream(0), Dream(weight=0)])
def test_without_images_or_weight_nothing_is_dreamed(method):
    assert method.rehearse(Memory(learned=("a cat",)), TASK) is None


@QUICK
@given(learned=st.lists(st.sampled_from(["a cat", "evaluated"]), min_size=1, max_size=3).map(tuple))
def test_evaluation_prompts_are_asked_only_if_they_were_trained_on(learned):
    hooks = Hooks(Dream(), {"evaluated", "another"})
    assert hooks.rehearse(Memory(learned=learned), TASK, {}).prompts == learned


@pytest.mark.parametrize("options", [{"images_per_prompt": "-1"}, {"weight": "inf"}])
def test_options_have_bounds(options):
    with pytest.raises(BadInput, match=r"option .* of dream: Input should be"):
        make_method("dream", options)
