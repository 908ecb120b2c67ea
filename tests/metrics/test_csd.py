"""CSD against transformers' CLIP vision tower times the style head, small and at the size of ViT-L/14."""

import argparse

import numpy as np
import pytest
import torch

from cbench.errors import BadInput
from cbench.metrics.csd import Csd

pytest.importorskip("open_clip")

SMALL = {"image_size": 224, "patch_size": 32, "width": 64, "layers": 2, "heads": 2}
TABLE = (
    (r"^class_embedding", "vision_model.embeddings.class_embedding"),
    (r"^positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    (r"^conv1", "vision_model.embeddings.patch_embedding"),
    (r"^ln_pre", "vision_model.pre_layrnorm"),
    (r"^ln_post", "vision_model.post_layernorm"),
    (r"^transformer\.resblocks", "vision_model.encoder.layers"),
    (r"ln_(\d)", r"layer_norm\1"),
    (r"mlp\.c_fc", "mlp.fc1"),
    (r"mlp\.c_proj", "mlp.fc2"),
    (r"attn\.", "self_attn."),
)


def random_weights(tower):
    """As the published file names them: backbone, style head, content head."""
    from open_clip.transformer import VisionTransformer

    torch.manual_seed(0)
    backbone = VisionTransformer(**tower, mlp_ratio=4.0, output_dim=8).state_dict()
    backbone.pop("proj")
    heads = {f"last_layer_{kind}": torch.randn(tower["width"], 48) for kind in ("style", "content")}
    return {f"backbone.{name}": tensor for name, tensor in backbone.items()} | heads


def in_transformers(tower, weights, rename):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    width = tower["width"]
    config = CLIPVisionConfig(
        hidden_size=width,
        num_hidden_layers=tower["layers"],
        num_attention_heads=tower["heads"],
        intermediate_size=4 * width,
        patch_size=tower["patch_size"],
        projection_dim=48,
    )
    own = {k.removeprefix("backbone."): v for k, v in weights.items() if k.startswith("backbone.")}
    other = CLIPVisionModelWithProjection(config).eval()
    other.load_state_dict(
        rename(own, TABLE, "{}_proj") | {"visual_projection.weight": weights["last_layer_style"].T}
    )
    return other


@pytest.mark.parametrize(
    "tower", [SMALL, pytest.param(Csd.tower, marks=pytest.mark.slow)], ids=["small", "full"]
)
def test_same_features_and_pixels_as_transformers(tower, put, rename, pictures, same_pixels, monkeypatch):
    monkeypatch.setattr(Csd, "tower", tower)
    weights = random_weights(tower)
    put(Csd, weights, "model.safetensors")
    csd, other = Csd("cpu"), in_transformers(tower, weights, rename)
    apart, pixels = same_pixels(csd, pictures)
    with torch.no_grad():
        theirs = other(torch.from_numpy(pixels)).image_embeds.numpy()
        same_input = csd.features(torch.from_numpy(pixels)).numpy()
    unit = [f / np.linalg.norm(f, axis=1, keepdims=True) for f in (theirs, same_input, csd.embed(pictures))]
    print(f"pixels apart by {apart:.3f}/255, unit features by {np.abs(unit[0] - unit[1]).max():.1e}")
    assert apart <= 1 and np.abs(unit[0] - unit[1]).max() < 1e-4
    assert (unit[0] * unit[2]).sum(1).min() > 1 - 1e-4


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """Writes the published form: a data-parallel training checkpoint with its arguments and losses."""
    monkeypatch.setattr(Csd, "tower", SMALL)
    monkeypatch.setattr(Csd, "weights", Csd.weights._replace(sha256=None))
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path))
    path = tmp_path / Csd.weights.repo / "pytorch_model.bin"
    path.parent.mkdir(parents=True)

    def write(more):
        state = {f"module.{name}": tensor for name, tensor in random_weights(SMALL).items()}
        torch.save({"model_state_dict": state, **more}, path)
        return path

    return write


def test_checkpoint_gives_the_same_as_safetensors(checkpoint, put, pictures):
    checkpoint(
        {"epoch": 3, "loss": np.float64(0.5), "args": argparse.Namespace(arch="vit_large", lr=np.float64(1))}
    )
    first = Csd("cpu").embed(pictures)
    put(Csd, random_weights(SMALL), "model.safetensors")
    assert np.array_equal(first, Csd("cpu").embed(pictures))


class Trap:
    def __reduce__(self):
        return print, ("run by the file",)


def test_checkpoint_that_would_run_code_is_refused(checkpoint, capsys):
    path = checkpoint({"args": Trap()})
    with pytest.raises(BadInput, match=str(path)) as error:
        Csd("cpu")
    assert "\n" not in str(error.value) and "run by the file" not in capsys.readouterr().out


def test_checkpoint_without_a_style_head_is_one_line(put, monkeypatch):
    monkeypatch.setattr(Csd, "tower", SMALL)
    weights = random_weights(SMALL)
    weights.pop("last_layer_style")
    put(Csd, weights, "model.safetensors")
    with pytest.raises(BadInput, match=r"metric csd: .* does not have its weights: 'last_layer_style'"):
        Csd("cpu")
