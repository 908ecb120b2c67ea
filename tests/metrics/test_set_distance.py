"""KID, CMMD and diversity against slow, plainly written definitions; KID also against torchmetrics if it is
installed."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cbench.errors import BadInput
from cbench.metrics.set_distance import (
    Cmmd,
    Kid,
    MiniCmmd,
    MiniDiversity,
    MiniKid,
    cubic,
    gaussian,
    mean_pairwise_distance,
    mmd2,
    paired_mmd2,
)
from cbench.plugins.metrics import kind_of, load_metric


def sets(seed, n, m, d):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(0.3, 1.2, size=(m, d))


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def slow_cubic(a, b):
    return (dot(a, b) / len(a) + 1) ** 3


def slow_gaussian(a, b):
    return math.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / (2 * 10**2))


def slow_mmd2(x, y, k):
    """Gretton et al. 2012, eq. 3, term by term."""
    n, m = len(x), len(y)
    within_x = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(k(a, b) for a in x for b in y) / (n * m)


def slow_paired_mmd2(x, y, k):
    """Gretton et al. 2012, lemma 6: the mean over i != j of h(z_i, z_j)."""
    n = len(x)
    h = [
        k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])
        for i in range(n)
        for j in range(n)
        if i != j
    ]
    return sum(h) / (n * (n - 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(2, 6), st.integers(1, 5), st.integers(0, 999))
def test_unbiased_mmd(n, m, d, seed):
    x, y = sets(seed, n, m, d)
    for fast, slow in ((cubic, slow_cubic), (gaussian, slow_gaussian)):
        expected = slow_mmd2(x.tolist(), y.tolist(), slow)
        assert mmd2(x, y, fast) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert mmd2(y, x, fast) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 999))
def test_paired_mmd(n, d, seed):
    x, y = sets(seed, n, n, d)
    for fast, slow in ((cubic, slow_cubic), (gaussian, slow_gaussian)):
        expected = slow_paired_mmd2(x.tolist(), y.tolist(), slow)
        assert paired_mmd2(x, y, fast) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert paired_mmd2(x, x, fast) == pytest.approx(0, abs=1e-12)
        order = np.random.default_rng(seed).permutation(n)
        assert paired_mmd2(x[order], y[order], fast) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_why_pairs_have_an_estimate_of_their_own():
    """A model that changes nothing: x_i = y_i. The estimate for independent sets would call it a distance
    below 0, the more so the fewer the images."""
    rng = np.random.default_rng(0)
    independent = statistics.fmean(mmd2(x, x, cubic) for x in rng.normal(size=(50, 8, 16)))
    assert independent < -0.5


def test_both_are_unbiased():
    """Two halves of one sample have a distance of 0 in the mean, and a shift is seen."""
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(400, 2, 6, 4))
    for estimate in (mmd2, paired_mmd2):
        none = [estimate(x, y, cubic) for x, y in draws]
        error = statistics.stdev(none) / math.sqrt(len(none))
        assert abs(statistics.fmean(none)) < 4 * error
        shifted = [estimate(x, y + 1, cubic) for x, y in draws]
        assert statistics.fmean(shifted) > 10 * error


def test_kid_is_torchmetrics_kid():
    kid = pytest.importorskip("torchmetrics.image.kid")
    import torch

    x, y = sets(3, 7, 7, 12)
    theirs = float(kid.poly_mmd(torch.from_numpy(x), torch.from_numpy(y)))
    assert mmd2(x, y, cubic) == pytest.approx(theirs, rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 999))
def test_mean_pairwise_distance(n, d, seed):
    x = sets(seed, n, 2, d)[0]
    apart = [
        1 - dot(x[i], x[j]) / math.sqrt(dot(x[i], x[i]) * dot(x[j], x[j]))
        for i in range(n)
        for j in range(i + 1, n)
    ]
    assert mean_pairwise_distance(x) == pytest.approx(sum(apart) / len(apart), abs=1e-12)


class Pixels:
    """An encoder whose embedding is the image."""

    digest = "pixels"

    def __init__(self, device):
        self.device = device

    def embed(self, images):
        return np.stack([np.asarray(image, dtype=float).ravel() / 255 for image in images])


@pytest.fixture
def pictures():
    pixels = np.random.default_rng(0).integers(1, 256, (9, 4, 4, 3), dtype=np.uint8)
    return [Image.fromarray(image) for image in pixels]


@pytest.mark.parametrize("cls", [Kid, Cmmd])
def test_a_metric_is_its_formula_times_1000(cls, pictures):
    kind = type("Own", (cls,), {"name": "own", "encoder": Pixels})
    metric, (one, two) = kind("cpu"), (pictures[:4], pictures[4:])
    x, y = (Pixels("cpu").embed(images) for images in (one, two))
    slow = slow_cubic
    if cls is Cmmd:
        x, y, slow = (*(v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y)), slow_gaussian)
    assert metric.compare(one, two, False) == pytest.approx(1000 * slow_mmd2(x, y, slow), abs=1e-9)
    assert metric.compare(one, two[:4], True) == pytest.approx(
        1000 * slow_paired_mmd2(x, y[:4], slow), abs=1e-9
    )
    assert metric.compare(one, one, True) == pytest.approx(0, abs=1e-9)
    with pytest.raises(BadInput, match="needs at least two images to compare with, there is 1"):
        metric.compare(one, two[:1], False)
    assert metric.digest != type("Other", (cls,), {"name": "other", "encoder": Pixels})("cpu").digest


@pytest.mark.parametrize("cls", [MiniKid, MiniCmmd, MiniDiversity])
def test_the_mini_ones_run_on_the_mini_encoders(cls, pictures):
    loaded = load_metric(cls.name, "cpu")
    assert loaded.kind == "compare" == kind_of(cls.name, cls)
    value = loaded.metric.compare(pictures[:4], pictures[4:], False)
    assert math.isfinite(value)
    if cls is MiniDiversity:
        assert 0 < value < 2
        assert loaded.metric.compare(pictures[:1] * 3, pictures, False) == pytest.approx(0, abs=1e-6)
    else:
        assert loaded.metric.compare(pictures, pictures, True) == pytest.approx(0, abs=1e-9)
