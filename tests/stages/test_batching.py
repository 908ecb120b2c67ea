"""Where memory runs out: smaller batches, activations computed again, then a clear word. A UNet that refuses
stands for the full GPU."""

import numpy as np
import pytest
import torch
from PIL import Image

from cbench.backbone.load import open_backbone
from cbench.errors import BadInput
from cbench.stages.measure import measure_fisher, measure_inputs
from cbench.stages.sample import sample
from cbench.stages.train import Fit, TrainingData, encode_images, train
from cbench.track import BackboneSpec, Sampling, Training
from cbench.update import flat, gaussian
from cbench.utils.digest import digest_tensors

NUMBERS = Training(rank=2, steps=2, batch=2, learning_rate=0.01, weight_decay=0.0, max_grad_norm=1.0)
SAMPLING = Sampling(steps=2, guidance=2.0, scheduler="DDIMScheduler", images_per_prompt=3, batch=8)


@pytest.fixture(params=["float32", "bfloat16"])
def backbone(sdxl_folder, request):
    return open_backbone(
        BackboneSpec(path=str(sdxl_folder), resolution=64, dtype=request.param), sdxl_folder, "cpu"
    )


DRIVER_ERROR = getattr(torch, "AcceleratorError", RuntimeError)
"""What torch raises for an error of the driver; before torch 2.8 a RuntimeError."""
FULL = (torch.OutOfMemoryError("no memory"), DRIVER_ERROR("CUDA error: out of memory"))
"""What torch raises where its own allocator, and where the driver has no memory left."""


def refuse(backbone, when, error=FULL[0]):
    """Let the UNet run out of memory whenever `when(batch)` holds."""

    def hook(unet, given):
        if when(len(given[0])):
            raise error

    return backbone.denoiser.register_forward_pre_hook(hook)


def trained(backbone):
    own = encode_images(backbone, [Image.new("RGB", (64, 64), "red")], ["a red wall"])
    start = gaussian(backbone.layers(NUMBERS), NUMBERS.rank, 0)
    return train(backbone, {}, Fit(start, TrainingData(own), 0, NUMBERS))


@pytest.mark.parametrize("error", FULL)
def test_sampling_goes_on_with_smaller_batches(backbone, error):
    whole = sample(backbone, {}, ["a cat", "a tree"], SAMPLING).astype(int)
    refuse(backbone, lambda batch: batch > 4, error)  # two images, each with and without its words
    pieces = sample(backbone, {}, ["a cat", "a tree"], SAMPLING).astype(int)
    assert np.abs(whole - pieces).max() <= (1 if backbone.denoiser.dtype == torch.float32 else 16)


def test_one_image_too_many_is_a_clear_word(backbone):
    refuse(backbone, lambda batch: True)
    with pytest.raises(BadInput, match="not enough memory for one image"):
        sample(backbone, {}, ["a cat"], SAMPLING)


def test_encoding_goes_on_with_smaller_batches(backbone, monkeypatch):
    images, captions = [Image.new("RGB", (64, 64), (40 * n, 0, 0)) for n in range(6)], ["a wall"] * 6
    whole, encode, seen = encode_images(backbone, images, captions), backbone.vae.encode, []

    def narrow(pixels):
        seen.append(len(pixels))
        if len(pixels) > 2:
            raise FULL[1]
        return encode(pixels)

    monkeypatch.setattr(backbone.vae, "encode", narrow)
    pieces = encode_images(backbone, images, captions)
    assert seen == [6, 4, 2, 2, 2] and torch.allclose(pieces.mean, whole.mean, atol=0.05)


@pytest.mark.parametrize("error", FULL)
def test_training_computes_activations_again(backbone, error):
    whole = trained(backbone)
    refuse(backbone, lambda batch: not backbone.denoiser.is_gradient_checkpointing, error)
    again = trained(backbone)
    assert not backbone.denoiser.is_gradient_checkpointing
    for name, factors in whole.items():
        assert torch.allclose(factors.B, again[name].B, atol=1e-4)


def test_the_next_training_does_not_try_in_vain(backbone):
    seen = []
    refuse(backbone, lambda batch: not backbone.denoiser.is_gradient_checkpointing)
    backbone.denoiser.register_forward_pre_hook(
        lambda unet, given: seen.append(unet.is_gradient_checkpointing), prepend=True
    )
    trained(backbone)
    trained(backbone)
    assert seen == [False] + [True] * 2 * NUMBERS.steps


def test_training_that_never_fits_is_a_clear_word_and_leaves_the_unet_alone(backbone):
    before = digest_tensors(dict(backbone.denoiser.state_dict()))
    refuse(backbone, lambda batch: True)
    with pytest.raises(BadInput, match="not enough memory to train with batch 2"):
        trained(backbone)
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before


def test_adapters_are_trained_in_fp32_whatever_the_unet_is(backbone):
    adapter = trained(backbone)
    assert all(t.dtype == torch.float32 for t in flat(adapter).values())
    # steps of 0.01 from B = 0: bf16 would leave most entries on a grid of 256 steps a doubling
    values = torch.cat([f.B.flatten() for f in adapter.values()])
    assert (values.bfloat16().float() != values).float().mean() > 0.5


def test_float16_does_not_train(sdxl_folder):
    half = open_backbone(
        BackboneSpec(path=str(sdxl_folder), resolution=64, dtype="float16"), sdxl_folder, "cpu"
    )
    with pytest.raises(BadInput, match="float16 cannot represent the gradients"):
        train(half, {}, Fit(gaussian(half.layers(NUMBERS), 2, 0), None, 0, NUMBERS))


def measured(backbone, kind):
    own = encode_images(backbone, [Image.new("RGB", (64, 64), "red")], ["a red wall"])
    draws, settings = torch.Generator().manual_seed(3), NUMBERS.model_copy(update={"batch": 4})
    if kind == "inputs":
        return measure_inputs(backbone, {}, own, 6, draws, settings)
    adapter = {
        n: f._replace(B=torch.full_like(f.B, 0.1))
        for n, f in gaussian(backbone.layers(NUMBERS), NUMBERS.rank, 0).items()
    }
    return measure_fisher(backbone, {}, adapter, own, 3, draws, "AB", settings)


@pytest.mark.parametrize("error", FULL)
def test_inputs_are_measured_in_smaller_parts_from_the_same_draws(backbone, error):
    whole, seen = measured(backbone, "inputs"), []
    backbone.denoiser.register_forward_pre_hook(lambda unet, given: seen.append(len(given[0])))
    refuse(backbone, lambda batch: batch > 2 or len(seen) == 3, error)  # also once in the middle
    parts = measured(backbone, "inputs")
    assert seen == [4, 2, 2, 1, 1, 1, 1, 1, 1]
    assert whole.keys() == parts.keys()
    near = 1e-4 if backbone.denoiser.dtype == torch.float32 else 0.05
    assert all(torch.allclose(whole[n], parts[n], rtol=near, atol=near) for n in whole)


@pytest.mark.parametrize("error", FULL)
def test_fisher_computes_activations_again_from_the_same_draws(backbone, error):
    whole, seen = measured(backbone, "fisher"), []
    backbone.denoiser.register_forward_pre_hook(
        lambda unet, given: seen.append(unet.is_gradient_checkpointing), prepend=True
    )
    refuse(backbone, lambda batch: len(seen) == 2, error)  # after one draw was counted
    again = measured(backbone, "fisher")
    assert seen == [False, False, True, True, True] and backbone.saves_memory
    near = 1e-4 if backbone.denoiser.dtype == torch.float32 else 0.1
    assert all(torch.allclose(whole[n], again[n], rtol=near, atol=1e-6) for n in whole)


@pytest.mark.parametrize(
    "kind, words",
    [
        ("inputs", "measure the inputs of one image"),
        ("fisher", "measure the Fisher information of one image"),
    ],
)
def test_a_measurement_that_never_fits_is_a_clear_word_and_leaves_the_unet_alone(backbone, kind, words):
    before = digest_tensors(dict(backbone.denoiser.state_dict()))
    refuse(backbone, lambda batch: True)
    with pytest.raises(BadInput, match=f"not enough memory to {words}"):
        measured(backbone, kind)
    assert digest_tensors(dict(backbone.denoiser.state_dict())) == before
