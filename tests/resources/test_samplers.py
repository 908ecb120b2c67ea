"""Every scheduler of diffusers: it samples a model trained on betas, or it is refused by name."""

import inspect
import math

import diffusers
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DiffusionPipeline

from cbench.backbone.backbone import Backbone
from cbench.backbone.families import open_family
from cbench.errors import BadInput
from cbench.resources.samplers import FLOWS, SAMPLERS, TRAINED, check_name, sampling_faults, training_faults
from cbench.stages.sample import sample, use_scheduler
from cbench.track import Sampling

ALL = sorted(
    name
    for name in dir(diffusers)
    if name.endswith("Scheduler") and isinstance(getattr(diffusers, name), type)
)
OWN = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "steps_offset": 1,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
}
MEAN, SPREAD = 0.5, 0.3


def numbers(name, steps=4, **more):
    return Sampling(steps=steps, guidance=2.0, scheduler=name, images_per_prompt=2, batch=8, **more)


def whole(**more):
    """All numbers of a scheduler, each as if its file named it."""
    config = dict(DDIMScheduler(**OWN).config) | more
    del config["_use_default_values"]
    return config


def faults(name, steps=50, own="DDIMScheduler", **config):
    return list(sampling_faults(numbers(name, steps), own, OWN | config))


def test_the_table_names_classes_of_diffusers():
    assert {*SAMPLERS, *FLOWS} <= set(ALL) and len(ALL) > 40


@pytest.mark.parametrize("name", [*sorted({*ALL} - {*SAMPLERS, *FLOWS}), "NoScheduler", "Adam", ""])
def test_all_others_are_refused_by_name(name):
    with pytest.raises(BadInput, match=f"sampling.scheduler {name!r} .* known: DDIMScheduler, "):
        check_name(name)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_table_says_what_a_class_can(name):
    kind = getattr(diffusers, name)
    takes = inspect.signature(kind.__init__).parameters
    assert SAMPLERS[name].zero_snr == ("rescale_betas_zero_snr" in takes)
    assert {"trained_betas", "prediction_type"} <= set(takes)
    for schedule in (*TRAINED, "exp", "none"):
        known = schedule in SAMPLERS[name].schedules
        try:
            kind(beta_schedule=schedule)
        except NotImplementedError:
            assert not known, schedule
        else:
            assert known, schedule


def best_guess(alpha, noisy, kind):
    """What a perfect model of numbers around MEAN answers."""
    spread = alpha * SPREAD**2 + 1 - alpha
    off = noisy.double() - alpha.sqrt() * MEAN
    noise, clean = (1 - alpha).sqrt() * off / spread, MEAN + alpha.sqrt() * SPREAD**2 * off / spread
    return noise if kind == "epsilon" else alpha.sqrt() * noise - (1 - alpha).sqrt() * clean


def drawn(name, config, steps):
    """What the scheduler makes of noise with a perfect model, trained as cbench trains."""
    scheduler, alphas = getattr(diffusers, name).from_config(config), DDPMScheduler.from_config(config)
    alphas = alphas.alphas_cumprod.double()
    scheduler.set_timesteps(steps)
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    draws = "generator" in inspect.signature(scheduler.step).parameters
    more = {"generator": torch.Generator().manual_seed(1)} if draws else {}
    values = noise * scheduler.init_noise_sigma
    for time in scheduler.timesteps:
        low = math.floor(time)
        alpha = alphas[low].lerp(alphas[min(low + 1, 999)], float(time) - low)
        guess = best_guess(alpha, scheduler.scale_model_input(values, time), config["prediction_type"])
        values = scheduler.step(guess.float(), time, values, **more)[0]
    return values


ZERO = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}


@pytest.mark.parametrize("more", [{}, ZERO], ids=["epsilon", "zero snr"])
@pytest.mark.parametrize("name", [name for name, sampler in SAMPLERS.items() if not sampler.distilled])
def test_a_perfect_model_is_sampled_as_it_is(name, more):
    config = whole(**more)
    if faults(name, **more):
        assert more and not SAMPLERS[name].zero_snr
        return
    values = drawn(name, config, 50)
    assert float(values.mean()) == pytest.approx(MEAN, abs=0.03)
    assert float(values.std()) == pytest.approx(SPREAD, abs=0.07)


def test_what_the_table_leaves_out_is_wrong_on_such_a_model():
    config = whole()
    for name in ("IPNDMScheduler", "CogVideoXDDIMScheduler", "DPMSolverMultistepInverseScheduler"):
        assert abs(float(drawn(name, config, 50).std()) - SPREAD) > 0.07, name


@pytest.fixture(scope="module")
def pipelines(sdxl_folder, sd15_folder):
    return [DiffusionPipeline.from_pretrained(folder) for folder in (sdxl_folder, sd15_folder)]


@pytest.mark.parametrize("name", SAMPLERS)
def test_images_are_finite_and_each_has_its_own_noise(pipelines, name):
    """Whatever was drawn before and whatever shares the batch."""
    for pipeline in pipelines:
        pipeline.set_progress_bar_config(disable=True)
        backbone = Backbone(open_family(pipeline, 64))
        config = dict(backbone.family.scheduler_config)
        own = type(pipeline.scheduler).__name__
        if list(sampling_faults(numbers(name), own, config)) and not SAMPLERS[name].distilled:
            continue
        first = sample(backbone, {}, ["a cat", "a tree"], numbers(name)).astype(int)
        torch.randn(7)
        alone = sample(backbone, {}, ["a tree"], numbers(name).model_copy(update={"batch": 1}))
        assert abs(alone - first[2:]).max() <= 1 and abs(first[0] - first[1]).max() > 1
        use_scheduler(backbone, own)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"name": "LCMScheduler"}, "made for models distilled for it"),
        ({"name": "TCDScheduler"}, "made for models distilled for it"),
        ({"name": "LCMScheduler", "own": "LCMScheduler", "steps": 51}, "at most 50 steps"),
        ({"name": "DDIMScheduler", "steps": 1001}, "at most 999 steps"),
        ({"name": "DDIMScheduler", "steps": 1000}, "at most 999 steps"),
        ({"name": "UniPCMultistepScheduler", "steps": 999}, "at most 998 steps"),
        ({"name": "EulerDiscreteScheduler", "steps": 51, "num_train_timesteps": 50}, "at most 49 steps"),
        ({"name": "LMSDiscreteScheduler", "rescale_betas_zero_snr": True}, "rescale_betas_zero_snr"),
        ({"name": "DDIMScheduler", "beta_schedule": "sigmoid"}, "beta_schedule 'sigmoid'"),
        ({"name": "PNDMScheduler", "steps": 3}, "at least 4 steps"),
        ({"name": "PNDMScheduler", "steps": 3, "skip_prk_steps": True}, None),
        ({"name": "LCMScheduler", "own": "LCMScheduler"}, None),
        ({"name": "DDIMScheduler", "steps": 1000, "timestep_spacing": "trailing"}, None),
        ({"name": "DDIMScheduler", "steps": 1000, "steps_offset": 0}, None),
    ],
)
def test_what_does_not_fit_a_model(words, line):
    found = faults(**words)
    assert (line in found[0]) if line else not found


@pytest.mark.parametrize("name", ["DDIMScheduler", "UniPCMultistepScheduler", "EulerDiscreteScheduler"])
@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
def test_the_most_steps_stay_within_training(name, spacing):
    steps = max(n for n in (998, 999, 1000) if not faults(name, n, timestep_spacing=spacing))
    scheduler = getattr(diffusers, name).from_config(whole(timestep_spacing=spacing))
    scheduler.set_timesteps(steps)
    assert float(scheduler.timesteps.max()) <= 999


@pytest.mark.parametrize(
    ("own", "config", "line"),
    [
        *[
            (name, {}, "no schedule of betas")
            for name in ALL
            if name.startswith(("EDM", "FlowMatch", "Cosine"))
        ],
        ("HeunDiscreteScheduler", {"beta_schedule": "exp"}, "beta_schedule is 'exp'"),
        ("EulerDiscreteScheduler", {"timestep_type": "continuous"}, "timestep_type is 'continuous'"),
        ("UniPCMultistepScheduler", {"use_flow_sigmas": True}, "follows a flow"),
        ("UniPCMultistepScheduler", {"prediction_type": "flow_prediction"}, "prediction_type is 'flow_pre"),
        ("DDIMScheduler", {"prediction_type": "sample"}, "prediction_type is 'sample'"),
        ("DDIMScheduler", {"trained_betas": [0.1] * 10}, "10 trained_betas for 1000 timesteps"),
        *[(name, {}, None) for name in SAMPLERS],
        *[("DDPMScheduler", {"beta_schedule": schedule}, None) for schedule in TRAINED],
    ],
)
def test_what_training_cannot_follow(own, config, line):
    found = list(training_faults(own, OWN | config))
    assert (line in found[0]) if line else not found


@pytest.mark.parametrize("name", SAMPLERS)
def test_numbers_that_a_file_leaves_out_are_those_of_its_class(pipelines, name):
    """And not of the class that trains or samples: Heun's betas start at .00085, DDPM's at .0001."""
    own = getattr(diffusers, name)()
    pipelines[1].scheduler, before = own, pipelines[1].scheduler
    try:
        backbone = Backbone(open_family(pipelines[1], 64))
        assert torch.equal(DDPMScheduler.from_config(backbone.family.scheduler_config).betas, own.betas)
        use_scheduler(backbone, "EulerDiscreteScheduler")
        assert torch.equal(pipelines[1].scheduler.betas, own.betas)
    finally:
        pipelines[1].scheduler = before
