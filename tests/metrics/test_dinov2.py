"""timm's DINOv2 against transformers', a small one, from one random set of weights."""

import numpy as np
import pytest
import torch

from cbench.errors import BadInput
from cbench.metrics.dinov2 import DinoV2
from cbench.metrics.set_distance import KidDinoV2

timm = pytest.importorskip("timm")

WIDTH, DEPTH, HEADS = 48, 2, 3
TABLE = (
    (r"^cls_token", "embeddings.cls_token"),
    (r"^pos_embed", "embeddings.position_embeddings"),
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
    (r"^blocks", "encoder.layer"),
    (r"attn\.proj", "attention.o_proj"),
    (r"attn\.qkv", "attention.qkv"),
    (r"ls(\d)\.gamma", r"layer_scale\1.lambda1"),
    (r"^norm\.", "layernorm."),
)


@pytest.fixture
def small(monkeypatch):
    """The architecture with another width and depth."""
    create = timm.create_model
    shape = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
    monkeypatch.setattr(timm, "create_model", lambda name, **more: create(name, **shape, **more))


@pytest.fixture
def weights(small):
    """As published: the position embeddings of 518 pixels."""
    torch.manual_seed(0)
    tensors = timm.create_model("vit_base_patch14_dinov2", num_classes=0).state_dict()
    return {
        name: torch.rand_like(tensor) if "gamma" in name or "pos_embed" in name else tensor
        for name, tensor in tensors.items()
    }


@pytest.fixture
def images():
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (3, 300, 300, 3), dtype=np.uint8)
    return [Image.fromarray(image) for image in pixels]


def test_same_features_as_transformers(weights, put, rename, images, same_pixels):
    from transformers import Dinov2Config, Dinov2Model

    put(DinoV2, weights)
    metric = DinoV2("cpu")
    assert weights["pos_embed"].shape[1] == 37**2 + 1 and metric.model.pos_embed.shape[1] == 16**2 + 1
    config = Dinov2Config(
        hidden_size=WIDTH, num_hidden_layers=DEPTH, num_attention_heads=HEADS, image_size=224, patch_size=14
    )
    other = Dinov2Model(config).eval()
    own = dict(metric.model.state_dict())  # with the resampled position embeddings
    mask = {"embeddings.mask_token": torch.zeros(1, WIDTH)}
    other.load_state_dict(rename(own, TABLE, "{}_proj") | mask)
    apart, pixels = same_pixels(metric, images)
    with torch.no_grad():
        theirs = other(torch.from_numpy(pixels)).last_hidden_state[:, 0].numpy()
    ours = metric.features(torch.from_numpy(pixels)).numpy()
    gap = np.abs(ours - theirs).max()
    print(f"pixels apart by {apart:.3f}/255, features by {gap:.1e} of {np.abs(ours).max():.1f}")
    assert apart <= 1 and gap < 1e-4
    assert metric.embed(images).shape == (3, WIDTH)


def test_kid_in_its_space(weights, put, images):
    put(DinoV2, weights)
    assert (
        KidDinoV2("cpu").compare(images, images, True) == pytest.approx(0, abs=1e-9)
        and KidDinoV2.weights.repo == DinoV2.weights.repo
    )


def test_other_weights_are_one_line(weights, put):
    put(DinoV2, {name: tensor for name, tensor in weights.items() if not name.startswith("blocks.1")})
    with pytest.raises(BadInput, match=r"metric dinov2: .* does not have its weights"):
        DinoV2("cpu")
