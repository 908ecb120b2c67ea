import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.plugins.encoders import embed
from cbench.stages.score import score


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 999))
def test_mean_over_all_pairs(n, m, seed):
    rng = np.random.default_rng(seed)
    images, references = (
        v / np.linalg.norm(v, axis=1, keepdims=True)
        for v in (rng.normal(size=(n, 4)), rng.normal(size=(m, 4)))
    )
    slow = [sum(float(g @ r) for r in references) / m for g in images]
    assert score(images, references) == pytest.approx(slow)


@pytest.mark.parametrize("nonsense", [np.zeros((1, 3, 3)), np.zeros((2, 3)), np.full((1, 3), np.nan)])
def test_metric_that_returns_nonsense_is_named(nonsense):
    class Bad:
        name = "bad"

        def embed(self, images):
            return nonsense

    with pytest.raises(BadInput, match="metric 'bad' returned"):
        embed(Bad(), [None])
