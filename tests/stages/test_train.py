"""The training stage is a function of its inputs and leaves the model as it found it."""

import pytest
import torch
from accelerate.state import AcceleratorState
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cbench.backbone.load import open_backbone
from cbench.stages.sample import noises, own_noise, sample
from cbench.stages.train import (
    Denoising,
    Epochs,
    Fit,
    Rehearsed,
    TrainingData,
    attached,
    encode_images,
    train,
)
from cbench.step_hook import StepHook
from cbench.track import BackboneSpec, Prior, Sampling, Training
from cbench.update import flat, gaussian, product
from cbench.utils.digest import digest_tensors

NUMBERS = Training(rank=2, steps=3, batch=2, learning_rate=0.01, weight_decay=0.0, max_grad_norm=1.0)
SAMPLING = Sampling(steps=2, guidance=2.0, scheduler="DDIMScheduler", images_per_prompt=2, batch=8)
IMAGES = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]


@pytest.fixture(scope="module")
def backbone(sdxl_folder):
    return open_backbone(BackboneSpec(path=str(sdxl_folder), resolution=64), sdxl_folder, "cpu")


@pytest.fixture(scope="module")
def start(backbone):
    return gaussian(backbone.layers(NUMBERS), NUMBERS.rank, 0)


def trained(backbone, start, seed=0, numbers=NUMBERS, frozen=None, penalty=None, rehearsal=None, **more):
    own = encode_images(backbone, IMAGES, ["a red wall", "a blue wall"])
    prior = encode_images(backbone, IMAGES, ["a wall", "a wall"]) if numbers.prior else None
    fit = Fit(start, TrainingData(own, prior, rehearsal), seed, numbers, penalty=penalty, **more)
    return train(backbone, frozen or {}, fit)


def length(adapter):
    return sum(change.square().sum() for change in product(adapter).values()).sqrt()


def weights(backbone):
    return digest_tensors(dict(backbone.denoiser.state_dict()))


def test_same_inputs_same_adapter_and_another_seed_another(backbone, start):
    first, again, other = trained(backbone, start), trained(backbone, start), trained(backbone, start, seed=1)
    assert digest_tensors(flat(first)) == digest_tensors(flat(again)) != digest_tensors(flat(other))


@pytest.mark.parametrize(
    "variables",
    [
        {"ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "2"},
        {"ACCELERATE_MIXED_PRECISION": "bf16"},
        {"ACCELERATE_TORCH_DEVICE": "meta"},
        {"ACCELERATE_USE_FSDP": "true", "FSDP_OFFLOAD_PARAMS": "true"},
        {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"},
        {"PMI_SIZE": "2", "PMI_RANK": "1"},
        {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"},
        {"MV2_COMM_WORLD_SIZE": "4"},
    ],
    ids=lambda variables: next(iter(variables)),
)
def test_a_launchers_environment_changes_nothing(backbone, start, monkeypatch, variables):
    """Cluster shells set these; with two processes announced a training waits for the other for ever."""
    first = trained(backbone, start)
    AcceleratorState._reset_state(
        reset_partial_state=True
    )  # it reads the environment once a process, and wraps a UNet once
    monkeypatch.setattr(backbone.denoiser, "_is_accelerate_prepared", False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert digest_tensors(flat(trained(backbone, start))) == digest_tensors(flat(first))


def test_size_conditions_are_made_once(backbone):
    words = backbone.encode_prompts(["a wall", "a cat"])
    one, two = (backbone.family.arguments(words)["added_cond_kwargs"]["time_ids"] for _ in range(2))
    assert one is two and one.tolist() == [[64, 64, 0, 0, 64, 64]] * 2


def test_a_falling_rate_goes_less_far(backbone, start):
    one, constant, linear = (
        trained(backbone, start, numbers=NUMBERS.model_copy(update=settings))
        for settings in ({"steps": 1}, {"steps": 4}, {"steps": 4, "schedule": "linear"})
    )
    assert length(one) < length(linear) < length(constant)


def test_model_is_put_back_bit_by_bit(backbone, start):
    before = weights(backbone)
    frozen = product(trained(backbone, start))
    trained(backbone, start, frozen=frozen)
    sample(backbone, frozen, ["a cat"], SAMPLING)
    assert weights(backbone) == before


def test_fold_is_exact(backbone, start):
    change = product(trained(backbone, start))
    name = next(iter(change))
    base = backbone.denoiser.get_submodule(name).weight.clone()
    with backbone.folded(change):
        assert torch.equal(backbone.denoiser.get_submodule(name).weight, base + change[name])


def test_only_the_named_layers_are_adapted(backbone):
    crossed = NUMBERS.model_copy(update={"inside": ("attn2",), "layers": ("to_k", "to_v")})
    names = backbone.layers(crossed)
    assert names and all("attn2" in n and n.endswith(("to_k", "to_v")) for n in names)
    assert set(names) < set(backbone.layers(NUMBERS))


def test_frozen_update_prior_and_penalty_have_their_part(backbone, start):
    plain = digest_tensors(flat(trained(backbone, start)))
    prior = NUMBERS.model_copy(
        update={"prior": Prior(prompts=("a wall",), images_per_prompt=1, batch=1, weight=1.0)}
    )
    frozen = {name: torch.full(shape, 0.05) for name, shape in backbone.layers(NUMBERS).items()}
    others = [
        trained(backbone, start, numbers=prior),
        trained(backbone, start, frozen=frozen),
        trained(
            backbone,
            start,
            penalty=StepHook(lambda live: sum(f.B.square().sum() + f.B.sum() for f in live.values())),
        ),
    ]
    assert plain not in {digest_tensors(flat(other)) for other in others}


def test_noise_belongs_to_its_index(backbone):
    assert torch.equal(noises(backbone, 2, 42), noises(backbone, 5, 42)[:2])


def test_images_come_prompt_by_prompt(backbone):
    both = sample(backbone, {}, ["a red cat", "a tree"], SAMPLING)
    assert both.shape == (4, 64, 64, 3)
    alone = sample(backbone, {}, ["a tree"], SAMPLING)
    assert abs(both[2:].astype(int) - alone).max() <= 1


@pytest.mark.parametrize("scheduler", ["EulerAncestralDiscreteScheduler", "DDPMScheduler", "LCMScheduler"])
def test_a_scheduler_that_draws_gives_each_image_its_own_noise(backbone, scheduler):
    numbers = SAMPLING.model_copy(update={"scheduler": scheduler, "images_per_prompt": 3})
    first = sample(backbone, {}, ["a cat", "a tree"], numbers).astype(int)
    torch.randn(7)  # moves the global state
    assert (sample(backbone, {}, ["a cat", "a tree"], numbers) == first).all()
    in_pairs = sample(backbone, {}, ["a cat", "a tree"], numbers.model_copy(update={"batch": 2}))
    assert abs(in_pairs - first).max() <= 1


def test_noise_on_the_way_is_not_the_noise_at_the_start(backbone):
    start = noises(backbone, 2, 42)
    drawn = torch.stack([torch.randn(start.shape[1:], generator=own_noise(42, n)) for n in range(2)])
    assert (drawn - start).abs().max() > 1 and (drawn[0] - drawn[1]).abs().max() > 1


def rehearsed(backbone, target="noise", weight=1.0):
    images = encode_images(backbone, IMAGES[:1], ["an old wall"])
    return Rehearsed(images, weight, target)


def test_a_rehearsal_has_its_part_and_weighs_as_it_says(backbone, start):
    plain, one, none = (
        trained(backbone, start, rehearsal=rehearsal)
        for rehearsal in (None, rehearsed(backbone), rehearsed(backbone, weight=1e-12))
    )
    assert digest_tensors(flat(plain)) != digest_tensors(flat(one))
    assert all(torch.allclose(plain[n].B, none[n].B, atol=1e-5) for n in plain), "its draws move no others"


def test_at_the_start_a_teacher_is_its_own_pupil(backbone, start):
    """With B = 0 the distillation term and its gradient are exactly zero."""
    data = TrainingData(encode_images(backbone, IMAGES, ["a red wall", "a blue wall"]))
    with attached(backbone, start) as live:
        denoising = Denoising(backbone, backbone.denoiser.train(), NUMBERS)
        batch = denoising.draw(data, 2, 0, torch.Generator().manual_seed(0))
        teacher, guess = denoising.teacher(batch), denoising.guess(batch)
        loss = torch.nn.functional.mse_loss(guess, teacher)
        loss.backward()
        assert loss == 0 and not any(p.grad.any() for f in live.values() for p in f if p.grad is not None)


def test_a_teacher_does_not_wake_an_a_that_stays(backbone, start):
    data = TrainingData(encode_images(backbone, IMAGES, ["a red wall", "a blue wall"]))
    with attached(backbone, start, "B") as live:
        denoising = Denoising(backbone, backbone.denoiser.train(), NUMBERS)
        denoising.teacher(denoising.draw(data, 2, 0, torch.Generator().manual_seed(0)))
        assert all(f.B.requires_grad and not f.A.requires_grad for f in live.values())


def test_b_alone_learns_while_a_stays(backbone, start):
    adapter = trained(backbone, start, learns="B")
    assert all(torch.equal(adapter[n].A, start[n].A) and adapter[n].B.any() for n in start)
    assert all(p.requires_grad is False for p in backbone.denoiser.parameters())


def test_a_projection_is_applied_after_every_step(backbone, start):
    calls = []

    def zero_first_row(adapter):
        calls.append(all(not f.A.requires_grad for f in adapter.values()))
        return {n: f._replace(A=torch.cat([0 * f.A[:1], f.A[1:]])) for n, f in adapter.items()}

    adapter = trained(backbone, start, project=StepHook(zero_first_row))
    assert calls == [True] * (1 + NUMBERS.steps) and all(not f.A[0].any() for f in adapter.values())


@given(count=st.integers(1, 7), takes=st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_every_image_comes_once_an_epoch(count, takes):
    epochs, draws = Epochs(count), torch.Generator().manual_seed(0)
    rows = [int(row) for take in takes for row in epochs.take(take, draws)]
    whole = len(rows) // count
    assert all(sorted(rows[count * n : count * (n + 1)]) == list(range(count)) for n in range(whole))


def test_epochs_and_sizes_have_their_part(backbone, start):
    images = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "green")]
    plain = encode_images(backbone, images, ["a wall"] * 3)
    sized = encode_images(backbone, images, ["a wall"] * 3, sizes=[(96, 80, 8, 0, 64, 64)] * 3)
    whole = encode_images(backbone, images, ["a wall"] * 3, sizes=[(64, 64, 0, 0, 64, 64)] * 3)
    digests = [
        digest_tensors(flat(train(backbone, {}, Fit(start, data, 0, NUMBERS))))
        for data in (
            TrainingData(plain),
            TrainingData(sized),
            TrainingData(whole),
            TrainingData(plain, epochs=True),
        )
    ]
    assert digests[0] == digests[2] and len(set(digests)) == 3
