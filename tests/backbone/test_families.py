"""Every rectified-flow family against a plain loop of its published recipe and against its stock pipeline."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from peft import LoraConfig
from PIL import Image

from cbench.backbone.load import open_backbone
from cbench.stages.measure import measure_fisher, measure_inputs
from cbench.stages.sample import noises, sample
from cbench.stages.train import Fit, Rehearsed, TrainingData, encode_images, train
from cbench.track import BackboneSpec, Prior, Sampling, Training
from cbench.update import flat, gaussian, product
from cbench.utils.digest import digest_tensors

LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")
NUMBERS = Training(
    rank=2, layers=LAYERS, steps=3, batch=2, learning_rate=0.001, weight_decay=0.01, max_grad_norm=1.0
)
SAMPLING = Sampling(
    steps=3, guidance=2.5, scheduler="FlowMatchEulerDiscreteScheduler", images_per_prompt=2, batch=8
)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
CAPTIONS = ["a red wall", "a blue wall"]
FUSED = "to_qkv_mlp_proj"


def patched(latents):
    """n x c x h x w as n x (h/2 x w/2) x (c x 2 x 2)."""
    n, c, h, w = latents.shape
    return latents.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, h * w // 4, 4 * c)


def unpatched(tokens, h, w):
    n, _, c = tokens.shape
    return tokens.view(n, h // 2, w // 2, c // 4, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(n, c // 4, h, w)


def grid(*sizes):
    """Every position of a grid, one a row."""
    return torch.cartesian_prod(*map(torch.arange, sizes)).float()


def scaled_latents(pipeline, pixels):
    posterior, config = pipeline.vae.encode(pixels).latent_dist, pipeline.vae.config
    scale = config.scaling_factor
    return (posterior.mean - config.shift_factor) * scale, posterior.std * scale


def normalized_latents(pipeline, pixels):
    posterior, vae = pipeline.vae.encode(pixels).latent_dist, pipeline.vae
    n, c, h, w = posterior.mean.shape
    patches = patched(posterior.mean).permute(0, 2, 1).reshape(n, 4 * c, h // 2, w // 2)
    normalize = torch.nn.functional.batch_norm
    mean = normalize(patches, vae.bn.running_mean, vae.bn.running_var, eps=vae.config.batch_norm_eps)
    return mean, torch.zeros_like(mean)


def sd3_velocity(transformer, noisy, times, states, pooled):
    return transformer(noisy, states, pooled, times).sample


def flux_velocity(transformer, noisy, times, states, pooled):
    n, _, h, w = noisy.shape
    guidance = torch.full([n], 3.5) if transformer.config.guidance_embeds else None
    out = transformer(
        patched(noisy),
        states,
        pooled,
        times / 1000,
        img_ids=grid(1, h // 2, w // 2),
        txt_ids=torch.zeros(states.shape[1], 3),
        guidance=guidance,
    )
    return unpatched(out.sample, h, w)


def flux2_velocity(transformer, noisy, times, states, pooled):
    n, c, h, w = noisy.shape
    out = transformer(
        noisy.flatten(2).permute(0, 2, 1),
        encoder_hidden_states=states,
        timestep=times / 1000,
        img_ids=grid(1, h, w, 1),
        txt_ids=grid(1, 1, 1, states.shape[1]),
    )
    return out.sample.permute(0, 2, 1).reshape(n, c, h, w)


class Recipe(NamedTuple):
    """What diffusers' DreamBooth script of a family does, as formulas."""

    folder: str
    latents: Callable[..., Any]
    velocity: Callable[..., Any]
    timesteps: str = "uniform"
    clean: bool = False
    """Whether the loss is on the clean latents (SD3's `precondition_outputs`)."""
    guidance: str = "guidance_scale"


RECIPES = {
    "sd3": Recipe("sd3_folder", scaled_latents, sd3_velocity, "logit_normal", True),
    "sd3 without T5": Recipe("sd3_without_t5_folder", scaled_latents, sd3_velocity, "logit_normal", True),
    "flux": Recipe("flux_folder", scaled_latents, flux_velocity),
    "flux without guidance": Recipe(
        "flux_without_guidance_folder", scaled_latents, flux_velocity, guidance="true_cfg_scale"
    ),
    "flux2": Recipe("flux2_folder", normalized_latents, flux2_velocity),
}


class Case(NamedTuple):
    recipe: Recipe
    stock: Any
    backbone: Any
    numbers: Training


def opened(folder):
    """The stock pipeline."""
    absent = {"text_encoder_3": None, "tokenizer_3": None} if "without-t5" in str(folder) else {}
    return DiffusionPipeline.from_pretrained(folder, **absent)


@pytest.fixture(scope="module", params=RECIPES)
def case(request):
    recipe = RECIPES[request.param]
    folder = request.getfixturevalue(recipe.folder)
    stock = opened(folder)
    stock.set_progress_bar_config(disable=True)
    for part in stock.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(False)
    backbone = open_backbone(BackboneSpec(path=str(folder), resolution=64), folder, "cpu", LAYERS)
    return Case(recipe, stock, backbone, NUMBERS.model_copy(update={"timesteps": recipe.timesteps}))


def words_of(stock, captions):
    """(token states, pooled) by the stock pipeline."""
    kind = type(stock).__name__
    with torch.no_grad():
        if kind == "StableDiffusion3Pipeline":
            states, _, pooled, _ = stock.encode_prompt(captions, None, None)
        elif kind == "FluxPipeline":
            states, pooled, _ = stock.encode_prompt(captions)
        else:
            (states, _), pooled = stock.encode_prompt(captions), None
    return states[: len(captions)], None if pooled is None else pooled[: len(captions)]


def adapt(transformer, start):
    """The factors in training: peft's, and for parts of a fused layer plain ones beside it."""
    whole = [name for name in start if FUSED not in name]
    transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=whole), adapter_name="plain")
    factors = {}
    for name in whole:
        layer = transformer.get_submodule(name)
        factors[name] = layer.lora_A["plain"].weight, layer.lora_B["plain"].weight
    for name in start.keys() - factors.keys():
        factors[name] = torch.nn.Parameter(start[name].A.clone()), torch.nn.Parameter(start[name].B.clone())
    for owner in {name.rpartition(".")[0] for name in start if FUSED in name}:
        parts = [factors[f"{owner}.{part}"] for part in ("to_q", "to_k", "to_v")]

        def add(module, given, output, parts=parts):
            sums = torch.cat([given[0] @ a.T @ b.T for a, b in parts], -1)
            return output + torch.nn.functional.pad(sums, (0, output.shape[-1] - sums.shape[-1]))

        transformer.get_submodule(owner).register_forward_hook(add)
    with torch.no_grad():
        for name, (a, b) in factors.items():
            a.copy_(start[name].A)
            b.copy_(start[name].B)
    return factors


def plain_loop(case, start, seed):
    """The recipe in plain torch and peft, with the draws that a training of this seed makes."""
    pipeline = opened(case.stock.config._name_or_path)
    transformer = pipeline.transformer.requires_grad_(False).train()
    pixels = torch.from_numpy(PIXELS).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        mean, std = case.recipe.latents(pipeline, pixels)
    states, pooled = words_of(pipeline, CAPTIONS)
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    factors = adapt(transformer, start)
    learned = [factor for pair in factors.values() for factor in pair]
    optimizer = torch.optim.AdamW(learned, lr=NUMBERS.learning_rate, weight_decay=NUMBERS.weight_decay)
    draws = torch.Generator().manual_seed(seed)
    for _ in range(NUMBERS.steps):
        rows = torch.randint(2, (2,), generator=draws)
        clean = mean[rows] + std[rows] * torch.randn(mean.shape, generator=draws)
        noise = torch.randn(clean.shape, generator=draws)
        if case.recipe.timesteps == "logit_normal":
            share = torch.sigmoid(torch.normal(0.0, 1.0, (2,), generator=draws))
        else:
            share = torch.rand(2, generator=draws)
        level = (share * 1000).long()
        times = scheduler.timesteps[level]
        sigma = (times / 1000).view(-1, 1, 1, 1)
        noisy = (1 - sigma) * clean + sigma * noise
        known = pooled[rows] if pooled is not None else None
        velocity = case.recipe.velocity(transformer, noisy, times, states[rows], known)
        if case.recipe.clean:
            errors = (noisy - sigma * velocity - clean) ** 2
        else:
            errors = (velocity - (noise - clean)) ** 2
        errors.flatten(1).mean(1).mean().backward()
        torch.nn.utils.clip_grad_norm_(learned, NUMBERS.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad()
    return {name: (a.detach(), b.detach()) for name, (a, b) in factors.items()}


def trained(case, seed=0, **more):
    start = gaussian(case.backbone.layers(case.numbers), 2, 0)
    images = encode_images(case.backbone, [Image.fromarray(one) for one in PIXELS], CAPTIONS)
    return start, train(case.backbone, {}, Fit(start, TrainingData(images), seed, case.numbers, **more))


def test_training_is_that_of_the_published_recipe(case):
    start, adapter = trained(case)
    wanted = plain_loop(case, start, 0)
    assert adapter.keys() == wanted.keys()
    pairs = [(adapter[n].A, wanted[n][0]) for n in wanted] + [(adapter[n].B, wanted[n][1]) for n in wanted]
    apart = max(float((one - other).abs().max()) for one, other in pairs)
    idle = [name for name in wanted if not adapter[name].B.any()]
    print(f"\ntraining: {apart:.2e} apart, {len(wanted)} layers")
    # the words of SD3's last block go nowhere, so nothing moves their queries
    last = ["transformer_blocks.1.attn.add_q_proj"] if case.recipe.clean else []
    assert apart < 1e-6 and idle == last


def stock_images(stock, recipe, start, prompts):
    """The stock pipeline's own images, one prompt at a time, from the same noises."""
    pack = type(stock).__name__ == "FluxPipeline"
    more = {"negative_prompt": ""} if recipe.guidance == "true_cfg_scale" else {}
    images = [
        stock(
            prompt=prompt,
            latents=patched(noise[None]) if pack else noise[None].clone(),
            num_inference_steps=SAMPLING.steps,
            height=64,
            width=64,
            output_type="np",
            **{recipe.guidance: SAMPLING.guidance},
            **more,
        ).images[0]
        for prompt in prompts
        for noise in start
    ]
    return (np.stack(images) * 255).round().astype(int)


def test_images_are_those_of_the_stock_pipeline(case):
    prompts = ["a red cat", "a tree"]
    images = sample(case.backbone, {}, prompts, SAMPLING).astype(int)
    wanted = stock_images(case.stock, case.recipe, noises(case.backbone, 2, SAMPLING.noise_seed), prompts)
    print(f"\nsampling: {abs(images - wanted).max()} of 255 apart")
    assert abs(images - wanted).max() <= 1
    assert abs(images[0] - images[1]).max() > 1 and abs(images[0] - images[2]).max() >= 1


def test_an_update_moves_images_and_is_taken_back(case):
    _, adapter = trained(case)
    update = {name: 300 * change for name, change in product(adapter).items()}
    before, moved, after = (sample(case.backbone, u, ["a cat"], SAMPLING) for u in ({}, update, {}))
    assert (before == after).all() and abs(moved.astype(int) - before).max() > 1


def test_recomputed_activations_change_nothing(case):
    start, kept = trained(case)
    case.backbone.saves_memory = True
    try:
        _, again = trained(case)
    finally:
        case.backbone.saves_memory = False
    assert all(torch.allclose(kept[n].B, again[n].B, atol=1e-6) for n in start)


def test_prior_rehearsal_and_measurements(case):
    numbers = case.numbers.model_copy(
        update={"prior": Prior(prompts=("a wall",), images_per_prompt=1, batch=1, weight=1.0)}
    )
    start = gaussian(case.backbone.layers(numbers), 2, 0)
    images = encode_images(case.backbone, [Image.fromarray(one) for one in PIXELS], CAPTIONS)
    adapters = [
        train(case.backbone, {}, Fit(start, data, 0, numbers))
        for data in (
            TrainingData(images),
            TrainingData(images, images),
            TrainingData(images, rehearsal=Rehearsed(images, target="model")),
        )
    ]
    assert len({digest_tensors(flat(adapter)) for adapter in adapters}) == 3
    seed = torch.Generator().manual_seed(0)
    moments = measure_inputs(case.backbone, {}, images, 2, seed, numbers)
    fisher = measure_fisher(case.backbone, {}, adapters[0], images, 1, seed, "AB", numbers)
    assert moments.keys() == start.keys() and fisher.keys() == flat(start).keys()
    assert not any(p.requires_grad for p in case.backbone.denoiser.parameters())


def test_in_bf16_an_update_is_exact_and_images_are_finite(case):
    folder = str(case.stock.config._name_or_path)
    spec = BackboneSpec(path=folder, resolution=64, dtype="bfloat16")
    half = case._replace(backbone=open_backbone(spec, Path(folder), "cpu", LAYERS))
    start, adapter = trained(half)
    assert set(half.backbone.exact) == set(start) and any(f.B.any() for f in adapter.values())
    before = digest_tensors(dict(half.backbone.denoiser.state_dict()))
    assert sample(half.backbone, product(adapter), ["a cat"], SAMPLING).std() > 0
    assert digest_tensors(dict(half.backbone.denoiser.state_dict())) == before
