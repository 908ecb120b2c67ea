"""What a metric must be and return, before its numbers are used."""

import pytest
from PIL import Image

from cbench.errors import BadInput
from cbench.plugins import metrics
from cbench.plugins.metrics import compare_sets, load_metric, score_images
from cbench.scale import COSINE, Scale

POINTS = Scale(unit="points", better="higher", low=0, high=10)
IMAGES, PROMPTS = [Image.new("RGB", (2, 2))] * 2, ["a", "b"]


def made(**parts):
    defaults = {
        "name": "odd",
        "title": "Odd",
        "digest": "1",
        "scale": POINTS,
        "__init__": lambda self, device: None,
    }
    return type("Odd", (), {k: v for k, v in (defaults | parts).items() if v is not None})


def embed(self, images):
    return [[1.0]] * len(images)


def compare(self, images, others, paired):
    return 1.0


def score(self, images, prompts):
    return [1.0] * len(images)


def load(monkeypatch, cls):
    monkeypatch.setattr(metrics.registry, "load", lambda kind, name: cls)
    return load_metric("odd", "cpu")


@pytest.mark.parametrize(
    ("parts", "kind", "scale"),
    [
        ({"embed": embed, "scale": None}, "embed", COSINE),
        ({"embed": embed, "embed_texts": embed}, "embed", COSINE),
        ({"score": score}, "score", POINTS),
        ({"compare": compare}, "compare", POINTS),
    ],
)
def test_kinds(monkeypatch, parts, kind, scale):
    loaded = load(monkeypatch, made(**parts))
    assert (loaded.kind, loaded.scale, loaded.digest) == (kind, scale, "1")


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({}, "must have one of the functions embed, score, compare; it has none"),
        ({"embed": embed, "score": score}, "it has embed and score"),
        ({"score": 5}, "it has none"),
        ({"score": score, "scale": None}, "needs a scale"),
        ({"compare": compare, "scale": "lower"}, "needs a scale"),
        ({"score": score, "digest": None}, "failed: AttributeError"),
        ({"score": score, "digest": 5}, "needs a digest of type str"),
        ({"score": score, "digest": ""}, "needs a digest of type str"),
        ({"score": score, "__init__": lambda self, device: 1 / 0}, "failed: ZeroDivisionError"),
    ],
)
def test_a_part_of_the_contract_that_lacks_is_named(monkeypatch, parts, line):
    with pytest.raises(BadInput) as error:
        load(monkeypatch, made(**parts))
    assert line in str(error.value) and "metric 'odd'" in str(error.value)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ([1.0], "returned (1,) for 2 images"),
        ([1.0] * 3, "returned (3,) for 2 images"),
        ([[1.0], [1.0]], "returned (2, 1) for 2 images"),
        (None, "returned () for 2 images"),
        ([1.0, float("nan")], "returned nan, which is not finite"),
        ([1.0, float("inf")], "returned inf, which is not finite"),
        ([1.0, 11.0], "returned 11, outside its scale of 0.0 to 10.0"),
        (["a", "b"], "failed: ValueError"),
    ],
)
def test_numbers_of_images(answer, line):
    metric = made(score=lambda self, images, prompts: answer)("cpu")
    with pytest.raises(BadInput) as error:
        score_images("odd", metric, POINTS, IMAGES, PROMPTS)
    assert line in str(error.value) and "metric 'odd'" in str(error.value)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (None, "failed: TypeError"),
        ("far", "failed: ValueError"),
        (float("nan"), "returned nan, which is not finite"),
        (-1, "returned -1, outside its scale of 0.0 to 10.0"),
    ],
)
def test_the_number_of_a_set(answer, line):
    metric = made(compare=lambda self, images, others, paired: answer)("cpu")
    with pytest.raises(BadInput) as error:
        compare_sets("odd", metric, POINTS, IMAGES, IMAGES, False)
    assert line in str(error.value) and "metric 'odd'" in str(error.value)
