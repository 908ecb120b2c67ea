"""timm's DINO against transformers' ViT, full size, from one random set of weights."""

import numpy as np
import pytest
import torch

from cbench.errors import BadInput
from cbench.metrics.dino import Dino

pytest.importorskip("timm")

TABLE = (
    (r"^cls_token", "embeddings.cls_token"),
    (r"^pos_embed", "embeddings.position_embeddings"),
    (r"^patch_embed\.proj", "embeddings.patch_embeddings.projection"),
    (r"^blocks", "layers"),
    (r"attn\.proj", "attention.o_proj"),
    (r"attn\.qkv", "attention.qkv"),
    (r"norm1", "layernorm_before"),
    (r"norm2", "layernorm_after"),
    (r"^norm\.", "layernorm."),
)


@pytest.fixture(scope="module")
def weights():
    import timm

    torch.manual_seed(0)
    return timm.create_model("vit_small_patch16_224", num_classes=0).state_dict()


@pytest.fixture
def dino(weights, put):
    put(Dino, weights)
    return Dino("cpu")


def test_same_features_and_pixels_as_transformers(dino, weights, rename, pictures, same_pixels):
    from transformers import ViTConfig, ViTModel

    # transformers' own copy of these weights says 1e-12; DINO was trained with 1e-6, and random weights show
    # the difference
    config = ViTConfig(
        layer_norm_eps=1e-6,
        hidden_size=384,
        num_hidden_layers=12,
        num_attention_heads=6,
        intermediate_size=1536,
    )
    other = ViTModel(config, add_pooling_layer=False).eval()
    other.load_state_dict(rename(weights, TABLE, "{}_proj"))
    apart, pixels = same_pixels(dino, pictures)
    with torch.no_grad():
        theirs = other(torch.from_numpy(pixels)).last_hidden_state[:, 0].numpy()
    ours = dino.embed(pictures)
    print(
        f"pixels apart by {apart:.3f}/255, features by {np.abs(ours - theirs).max():.1e} of "
        f"{np.abs(ours).max():.1f}"
    )
    assert (
        apart <= 1 and np.abs(dino.features(torch.from_numpy(pixels)).detach().numpy() - theirs).max() < 1e-4
    )
    cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 1 - 1e-4


def test_batches_have_no_part(dino, pictures):
    assert np.array_equal(
        dino.embed(pictures), np.concatenate([dino.embed([picture]) for picture in pictures])
    )


def test_digest_is_of_the_weights(dino, weights, put):
    put(Dino, weights | {"cls_token": weights["cls_token"] + 1})
    assert Dino("cpu").digest != dino.digest


def test_missing_weights_say_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    place = tmp_path / "timm" / "vit_small_patch16_224.dino" / "model.safetensors"
    with pytest.raises(
        BadInput, match=r"metric dino needs model\.safetensors of timm/vit_small_patch16_224\.dino \(87 MB\)"
    ) as error:
        Dino("cpu")
    assert str(place) in str(error.value)


def test_other_weights_than_the_published_are_refused(weights, put, monkeypatch):
    path = put(Dino, weights)
    monkeypatch.setattr(Dino, "weights", Dino.weights._replace(sha256="0" * 64))
    with pytest.raises(BadInput, match="is not the published"):
        Dino("cpu")
    path.write_bytes(path.read_bytes()[:1000])
    monkeypatch.setattr(Dino, "weights", Dino.weights._replace(sha256=None))
    with pytest.raises(BadInput, match="does not have its weights"):
        Dino("cpu")


def test_weights_of_another_architecture_are_one_line(weights, put):
    put(Dino, {name: tensor for name, tensor in weights.items() if not name.startswith("blocks.11")})
    with pytest.raises(BadInput, match=r"metric dino: .* does not have its weights") as error:
        Dino("cpu")
    assert "\n" not in str(error.value)
