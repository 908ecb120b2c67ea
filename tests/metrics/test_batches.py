"""Every batch has one size, and gives every item its own embedding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cbench.metrics.batches import SIZE, in_batches
from cbench.plugins import registry


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=3 * SIZE))
def test_each_item_has_its_row(items):
    seen = []

    def embed(part):
        seen.append(len(part))
        return torch.tensor([[item, item + 1] for item in part])

    found = in_batches(items, embed)
    assert found.tolist() == torch.tensor([[item, item + 1] for item in items]).tolist()
    assert set(seen) == {SIZE} and len(seen) == -(-len(items) // SIZE)


@pytest.mark.parametrize("name", ["mini_dino", "mini_csd", "mini_clip_i"])
def test_mini_encoders_see_each_image_alone(name):
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE + 3, 64, 64, 3), dtype=np.uint8)
    metric, images = registry.load("metrics", name)("cpu"), list(map(Image.fromarray, pixels))
    assert np.array_equal(metric.embed(images), np.concatenate([metric.embed([image]) for image in images]))
