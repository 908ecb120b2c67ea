"""The mini encoders on small towers with random weights."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import ResNetConfig, ResNetForImageClassification

from cbench.errors import BadInput
from cbench.metric import TextMetric
from cbench.metrics import mini
from cbench.plugins.encoders import embed, embed_texts


@pytest.fixture
def assets(tmp_path, sdxl_folder, monkeypatch):
    torch.manual_seed(0)
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic", num_labels=16, image_size=64
    )
    ResNetForImageClassification(config).save_pretrained(tmp_path / "mini" / "encoders" / "clip_i")
    shutil.copytree(sdxl_folder, tmp_path / "mini" / "pipeline")
    monkeypatch.setattr(mini, "ASSETS", tmp_path)
    return tmp_path


def test_images_and_texts_share_a_space(assets):
    metric = mini.MiniClipT("cpu")
    assert isinstance(metric, TextMetric) and not isinstance(mini.MiniClipI("cpu"), TextMetric)
    images = embed(metric, [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")])
    texts = embed_texts(metric, ["a red cat", "a blue cat on a very long sofa in a very long room", ""])
    assert images.shape == (2, 16) and texts.shape == (3, 16)
    assert np.linalg.norm(texts, axis=1) == pytest.approx(1)
    assert np.array_equal(
        images,
        embed(mini.MiniClipI("cpu"), [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]),
    )


def test_a_text_stands_alone(assets):
    """What else is in the batch, and the padding, have no part in a text's embedding."""
    metric = mini.MiniClipT("cpu")
    alone, among = metric.embed_texts(["a cat"]), metric.embed_texts(["a green dog", "a cat"])
    assert np.array_equal(among[1], alone[0]) and among[0] != pytest.approx(alone[0], abs=1e-3)


def test_digest_holds_both_towers(assets):
    image, both = mini.MiniClipI("cpu").digest, mini.MiniClipT("cpu").digest
    config = assets / "mini" / "pipeline" / "text_encoder_2" / "config.json"
    config.write_text(config.read_text() + "\n")
    assert mini.MiniClipI("cpu").digest == image and mini.MiniClipT("cpu").digest != both


def test_no_weights_no_metric(tmp_path, monkeypatch):
    monkeypatch.setattr(mini, "ASSETS", tmp_path)
    with pytest.raises(BadInput, match="has no weights for it"):
        mini.MiniClipT("cpu")
