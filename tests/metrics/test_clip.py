"""open_clip's CLIP against transformers' CLIP from one random set of weights: a small one, and ViT-B/32."""

import numpy as np
import pytest
import torch

from cbench.metric import TextMetric
from cbench.metrics.clip import ClipI, ClipT
from cbench.plugins.encoders import embed, embed_texts

open_clip = pytest.importorskip("open_clip")

SMALL = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
TABLE = (
    (r"^visual\.class_embedding", "vision_model.embeddings.class_embedding"),
    (r"^visual\.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.conv1", "vision_model.embeddings.patch_embedding"),
    (r"^visual\.ln_pre", "vision_model.pre_layrnorm"),
    (r"^visual\.ln_post", "vision_model.post_layernorm"),
    (r"^visual\.transformer\.resblocks", "vision_model.encoder.layers"),
    (r"^transformer\.resblocks", "text_model.encoder.layers"),
    (r"^token_embedding", "text_model.embeddings.token_embedding"),
    (r"^positional_embedding", "text_model.embeddings.position_embedding.weight"),
    (r"^ln_final", "text_model.final_layer_norm"),
    (r"ln_(\d)", r"layer_norm\1"),
    (r"mlp\.c_fc", "mlp.fc1"),
    (r"mlp\.c_proj", "mlp.fc2"),
    (r"attn\.", "self_attn."),
)


def in_transformers(shape, weights, rename):
    from transformers import CLIPConfig, CLIPModel

    vision, text = shape["vision_cfg"], shape["text_cfg"]
    config = CLIPConfig(
        projection_dim=shape["embed_dim"],
        vision_config={
            "hidden_size": vision["width"],
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": vision["width"] // 64,
            "intermediate_size": 4 * vision["width"],
            "patch_size": vision["patch_size"],
        },
        text_config={
            "hidden_size": text["width"],
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "intermediate_size": 4 * text["width"],
            "eos_token_id": 49407,
        },
    )
    own = dict(weights)
    projections = {
        "visual_projection.weight": own.pop("visual.proj").T,
        "text_projection.weight": own.pop("text_projection").T,
    }
    own.pop("attn_mask", None)
    other = CLIPModel(config).eval()
    other.load_state_dict(rename(own, TABLE, "{}_proj") | projections)
    return other


@pytest.mark.parametrize(
    "shape", [SMALL, pytest.param("ViT-B-32-quickgelu", marks=pytest.mark.slow)], ids=["small", "full"]
)
def test_same_features_and_pixels_as_transformers(shape, put, rename, pictures, same_pixels, monkeypatch):
    if isinstance(shape, dict):
        monkeypatch.setattr(open_clip, "get_model_config", lambda name: shape)
    else:
        shape = open_clip.get_model_config(shape)
    torch.manual_seed(0)
    weights = open_clip.CLIP(**shape).state_dict()
    weights = {k: torch.randn_like(v) * 0.02 if k.endswith("bias") else v for k, v in weights.items()}
    put(ClipT, weights)
    clip, other = ClipT("cpu"), in_transformers(shape, weights, rename)
    apart, pixels = same_pixels(clip, pictures)
    texts = ["a sks teapot in a jail", "ink art image of a santa hat"]
    tokens = clip.tokenizer(texts)
    with torch.no_grad():
        theirs = other.get_image_features(pixel_values=torch.from_numpy(pixels))
        read = other.get_text_features(input_ids=tokens)
        same_input = clip.features(torch.from_numpy(pixels)).numpy()
    theirs, read = (np.asarray(getattr(found, "pooler_output", found)) for found in (theirs, read))
    ours = clip.embed(pictures)
    print(
        f"pixels apart by {apart:.3f}/255, features by {np.abs(same_input - theirs).max():.1e} of "
        f"{np.abs(ours).max():.1f}"
    )
    assert apart <= 1 and np.abs(same_input - theirs).max() < 1e-4
    assert np.abs(clip.embed_texts(texts) - read).max() < 1e-4
    cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 1 - 1e-4


def test_plain_gelu_would_be_seen(put, pictures, monkeypatch):
    torch.manual_seed(0)
    put(ClipI, open_clip.CLIP(**SMALL).state_dict())
    found = []
    for quick in (True, False):
        monkeypatch.setattr(
            open_clip, "get_model_config", lambda name, quick=quick: SMALL | {"quick_gelu": quick}
        )
        found.append(ClipI("cpu").embed(pictures))
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.fixture
def small(put, monkeypatch):
    torch.manual_seed(0)
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: SMALL)
    weights = open_clip.CLIP(**SMALL).state_dict()
    put(ClipI, weights)
    put(ClipT, weights)


def test_both_metrics_see_images_alike_and_one_reads(small, pictures):
    images, both = ClipI("cpu"), ClipT("cpu")
    assert isinstance(both, TextMetric) and not isinstance(images, TextMetric)
    assert np.array_equal(images.embed(pictures), both.embed(pictures)) and images.digest != both.digest


def test_a_text_stands_alone_and_a_long_one_is_cut(small, pictures):
    """What else is in the batch has no part in a text's embedding; images and texts share a space of unit
    vectors."""
    clip = ClipT("cpu")
    alone, among = embed_texts(clip, ["a teapot"]), embed_texts(clip, ["a bowl " * 200, "a teapot"])
    assert among[1] == pytest.approx(alone[0], abs=1e-5) and among[0] != pytest.approx(alone[0], abs=1e-3)
    assert embed(clip, pictures[:1]).shape == alone.shape and np.linalg.norm(among, axis=1) == pytest.approx(
        1
    )
