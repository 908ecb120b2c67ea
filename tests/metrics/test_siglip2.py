"""timm's SigLIP image tower against transformers', a small one, from one random set of weights."""

import numpy as np
import pytest
import torch
from PIL import Image

from cbench.metrics.siglip2 import SigLip2

timm = pytest.importorskip("timm")

WIDTH, DEPTH, HEADS = 48, 2, 3
TABLE = (
    (r"^pos_embed", "embeddings.position_embedding.weight"),
    (r"^patch_embed\.proj", "embeddings.patch_embedding"),
    (r"^blocks", "encoder.layers"),
    (r"\.attn\.proj", ".self_attn.out_proj"),
    (r"\.attn\.qkv", ".self_attn.qkv"),
    (r"\.norm(\d)", r".layer_norm\1"),
    (r"^norm\.", "post_layernorm."),
    (r"^attn_pool\.latent", "head.probe"),
    (r"^attn_pool\.norm", "head.layernorm"),
    (r"^attn_pool\.mlp", "head.mlp"),
)


@pytest.fixture
def metric(put, monkeypatch):
    create = timm.create_model
    shape = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
    monkeypatch.setattr(timm, "create_model", lambda name, **more: create(name, **shape, **more))
    torch.manual_seed(0)
    tensors = timm.create_model("vit_base_patch16_siglip_224", num_classes=0).state_dict()
    put(SigLip2, {name: torch.randn_like(t) * 0.1 if t.ndim > 1 else t for name, t in tensors.items()})
    return SigLip2("cpu")


def in_transformers(metric, rename):
    from transformers import SiglipVisionConfig, SiglipVisionModel

    config = SiglipVisionConfig(
        hidden_size=WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        image_size=224,
        patch_size=16,
    )
    own = dict(metric.model.state_dict())
    q, (k, v) = (
        (own.pop("attn_pool.q.weight"), own.pop("attn_pool.q.bias")),
        zip(*(own.pop(f"attn_pool.kv.{part}").chunk(2) for part in ("weight", "bias")), strict=True),
    )
    pool = {
        "head.attention.in_proj_weight": torch.cat([q[0], k[0], v[0]]),
        "head.attention.in_proj_bias": torch.cat([q[1], k[1], v[1]]),
        "head.attention.out_proj.weight": own.pop("attn_pool.proj.weight"),
        "head.attention.out_proj.bias": own.pop("attn_pool.proj.bias"),
    }
    own["pos_embed"] = own["pos_embed"][0]
    table = rename(own, TABLE, "{}_proj")
    other = SiglipVisionModel(config).eval()
    other.load_state_dict(table | pool)
    return other


def test_same_features_as_transformers(metric, rename):
    other = in_transformers(metric, rename)
    pixels = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        theirs = other(pixels).pooler_output.numpy()
    ours = metric.features(pixels).numpy()
    print(f"features apart by {np.abs(ours - theirs).max():.1e} of {np.abs(ours).max():.1f}")
    assert np.abs(ours).max() > 1e-3 and np.abs(ours - theirs).max() < 1e-4


def test_the_image_is_scaled_to_a_square(metric):
    """Not cropped: what is at the edge of a wide image counts."""
    wide = np.zeros((100, 400, 3), dtype=np.uint8)
    wide[:, :40] = 255
    pixels = metric.preprocess(Image.fromarray(wide))
    assert pixels.shape == (3, 224, 224)
    assert float(pixels[:, :, :15].min()) > 0.9 and float(pixels[:, :, 40:].max()) == pytest.approx(
        -1, abs=0.02
    )
    assert metric.embed([Image.fromarray(wide)]).shape == (1, WIDTH)
