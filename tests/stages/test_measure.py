"""The measurements against slow definitions."""

import pytest
import torch
from PIL import Image

from cbench.backbone.load import open_backbone
from cbench.stages.measure import InputMoments, measure_fisher, measure_inputs
from cbench.stages.train import Denoising, TrainingData, attached, encode_images
from cbench.track import BackboneSpec, Training
from cbench.update import Factors, flat, gaussian
from cbench.utils.digest import digest_tensors

SETTINGS = Training(rank=2, steps=3, batch=2, learning_rate=0.01, weight_decay=0.0, max_grad_norm=1.0)


@pytest.fixture(scope="module")
def backbone(sdxl_folder):
    return open_backbone(BackboneSpec(path=str(sdxl_folder), resolution=64), sdxl_folder, "cpu")


@pytest.fixture(scope="module")
def images(backbone):
    walls = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    return encode_images(backbone, walls, ["a red wall", "a blue wall"])


@pytest.fixture(scope="module")
def adapter(backbone):
    fresh = gaussian(backbone.layers(SETTINGS), 2, 0)
    return {n: Factors(f.A, torch.full_like(f.B, 0.1)) for n, f in fresh.items()}


def seed():
    return torch.Generator().manual_seed(3)


def test_fisher_is_the_mean_of_squared_gradients_of_single_draws(backbone, images, adapter):
    measured = measure_fisher(backbone, {}, adapter, images, 4, seed(), "AB", SETTINGS)
    draws, sums = seed(), {}
    with attached(backbone, adapter) as live:
        denoising = Denoising(backbone, backbone.denoiser.train(), SETTINGS)
        for _ in range(4):
            batch = denoising.draw(TrainingData(images), 1, 0, draws)
            torch.nn.functional.mse_loss(denoising.guess(batch), denoising.target(batch)).backward()
            for name, parameter in flat(live).items():
                sums[name] = sums.get(name, 0) + parameter.grad.square() / 4
                parameter.grad = None
    assert measured.keys() == sums.keys() and all(t.min() >= 0 for t in measured.values())
    assert all(torch.allclose(measured[name], sums[name], rtol=1e-4, atol=1e-12) for name in sums)


def test_fisher_of_b_alone_has_no_a(backbone, images, adapter):
    measured = measure_fisher(backbone, {}, adapter, images, 1, seed(), "B", SETTINGS)
    assert measured and all("lora_B" in name for name in measured)


def test_inputs_are_symmetric_positive_and_of_the_layers_width(backbone, images):
    before = digest_tensors(dict(backbone.denoiser.state_dict()))
    measured = measure_inputs(backbone, {}, images, 3, seed(), SETTINGS)
    layers = backbone.layers(SETTINGS)
    assert measured.keys() == layers.keys()
    for name, matrix in measured.items():
        assert matrix.shape == (layers[name][1],) * 2 and torch.allclose(matrix, matrix.T, atol=1e-4)
        assert torch.linalg.eigvalsh(matrix.double()).min() > -1e-4 * matrix.trace()
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before
    assert not any(module._forward_pre_hooks for module in backbone.denoiser.modules())


def test_inputs_of_a_backbone_in_bf16_are_summed_in_fp32(sdxl_folder):
    spec = BackboneSpec(path=str(sdxl_folder), resolution=64, dtype="bfloat16")
    half = open_backbone(spec, sdxl_folder, "cpu")
    walls = encode_images(half, [Image.new("RGB", (64, 64), "red")], ["a red wall"])
    measured = measure_inputs(half, {}, walls, 2, seed(), SETTINGS)
    assert {matrix.dtype for matrix in measured.values()} == {torch.float32}


def test_inputs_follow_the_model(backbone, images):
    layers = backbone.layers(SETTINGS)
    update = {name: torch.full(shape, 0.05) for name, shape in layers.items()}
    plain, moved = (measure_inputs(backbone, u, images, 2, seed(), SETTINGS) for u in ({}, update))
    assert any(not torch.allclose(plain[name], moved[name]) for name in layers)


def test_moments_are_the_mean_over_all_rows_and_shared_where_the_input_is():
    moments, one, two = InputMoments(), torch.randn(2, 5, 3), torch.randn(1, 4, 3)
    for x in (one, two):
        for name in ("to_q", "to_k"):
            moments.see(name, torch.nn.Identity(), (x,))
        moments.see("other", torch.nn.Identity(), (x.clone(),))
    rows = torch.cat([one.flatten(0, 1), two.flatten(0, 1)])
    means = moments.means()
    assert torch.allclose(means["to_q"], rows.T @ rows / len(rows), atol=1e-6)
    assert means["to_k"] is means["to_q"] and torch.allclose(means["other"], means["to_q"])


def test_layers_in_a_row_that_read_one_tensor_share_one_matrix():
    """Cross-attention alone: keys and values of one block, then of the next, read the same words."""
    words, queries = torch.ones(1, 3, 2), [torch.eye(2)[None], 2 * torch.eye(2)[None]]
    moments = InputMoments()
    for block, query in enumerate(queries):
        for layer, given in (("q", query), ("k", words), ("v", words), ("out", query + 1)):
            moments.see(f"{block}.{layer}", torch.nn.Identity(), (given,))
    means = moments.means()
    assert {id(means[f"{block}.{layer}"]) for block in (0, 1) for layer in "kv"} == {id(means["0.k"])}
    torch.testing.assert_close(means["1.v"], torch.ones(2, 2))
    torch.testing.assert_close(means["1.q"], 2 * torch.eye(2))
