"""Two concepts in one image: pairs, prompts, and scores against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.posthoc.pairs import PairImages, concept, count, pair_scores, pairs_of
from cbench.task import Example, Task
from cbench.track import PairSpec

SPEC = PairSpec(caption="a photo of {}", prompt="{} next to {}")


def task(name, caption=None):
    return Task(name, (Example(None, caption or f"a photo of a sks {name}"),), (), (), ())


def unit(rng, count, width=5):
    drawn = rng.normal(size=(count, width))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@settings(deadline=None)
@given(
    st.permutations(["cat", "dog", "cup", "car"]), st.integers(0, 4), st.sampled_from(["neighbours", "all"])
)
def test_pairs_do_not_depend_on_the_order_learned(order, learned, which):
    spec = SPEC.model_copy(update={"which": which})
    canonical, tasks = ["cat", "dog", "cup", "car"], [task(name) for name in order[:learned]]
    pairs = pairs_of(spec, tasks, canonical)
    assert len(pairs) == count(spec, learned)
    known = [name for name in canonical if name in order[:learned]]
    for pair in pairs:
        names = tasks[pair.first].name, tasks[pair.second].name
        assert names[0] != names[1] and pair.task.prompts == (f"a sks {names[0]} next to a sks {names[1]}",)
        if which == "neighbours" and learned > 2:
            assert known[(known.index(names[0]) + 1) % learned] == names[1]
    assert len({frozenset((p.first, p.second)) for p in pairs}) == len(pairs)


def test_the_concept_is_read_from_the_caption():
    assert concept(SPEC, task("cat")) == "a sks cat"
    with pytest.raises(BadInput, match="task cat: caption 'cat' has not the form"):
        concept(SPEC, task("cat", "cat"))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3))
def test_scores_are_their_slow_definition(seed, images, references):
    rng = np.random.default_rng(seed)
    both, base, alone = (unit(rng, images) for _ in range(3))
    first, second = unit(rng, references), unit(rng, references)
    scores = pair_scores([PairImages(both, base, alone)], [(first, second)])

    def lower(shown):
        pairs = [(np.mean([i @ r for r in first]), np.mean([i @ r for r in second])) for i in shown]
        return np.mean([min(pair) for pair in pairs])

    assert scores.both == (pytest.approx(lower(both)),) and scores.both_base == (pytest.approx(lower(base)),)
    assert scores.alone == (pytest.approx(lower(alone)),)
    assert scores.first == (pytest.approx(np.mean([i @ r for i in both for r in first])),)
    assert scores.second == (pytest.approx(np.mean([i @ r for i in both for r in second])),)
    assert scores.both[0] <= min(scores.first[0], scores.second[0]) + 1e-12


def test_an_image_of_one_concept_scores_low_and_one_of_both_high():
    first, second = np.eye(3)[:1], np.eye(3)[1:2]
    middle = (first + second) / np.sqrt(2)
    scores = pair_scores([PairImages(middle, first, np.concatenate([first, second]))], [(first, second)])
    assert scores.both[0] == pytest.approx(2**-0.5) and scores.average[0] == pytest.approx(1)
    assert scores.both_base == (0.0,) and scores.alone == (0.0,)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"caption": "a photo"}, "caption must have {} once"),
        ({"prompt": "{} alone"}, "prompt must have {} twice"),
        ({"prompt": "{a} and {}{}"}, "prompt must have {} twice"),
        ({"which": "some"}, "Input should be 'neighbours' or 'all'"),
    ],
)
def test_a_template_without_its_gaps_is_refused(fields, line):
    with pytest.raises(ValueError, match=line):
        PairSpec.model_validate(SPEC.model_dump() | fields)
