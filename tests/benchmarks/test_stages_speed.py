"""The stages beside the plain shape, on the same random weights in one run, with the floor beside them. One
command:

    pytest -s -m slow tests/benchmarks/test_stages_speed.py

On a GPU at SDXL's full size, else at a small one on the CPU. The plain shape is what a script of one task
does: a pipeline in fp32 loaded for every task, VAE and text encoders in the training loop, gradient
checkpointing, an encoder loaded for every call; it takes the same numbers of steps and images. A careful
script, which caches latents and embeddings and keeps its activations, is nearer to the stages, and is not
timed here (docs/evidence/full-size.md has both factors). The floor is the stage's matrix arithmetic, counted,
at the rate at which this device multiplies large matrices in the stage's precision, measured. A step's
seconds come from two lengths of training, so that what is around them (folding, adding the adapter) is told
apart."""

import runpy
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig
from PIL import Image
from safetensors.torch import save_file
from tabulate import tabulate
from torch.utils.flop_counter import FlopCounterMode

from cbench.backbone.load import open_backbone
from cbench.metrics.dino import Dino
from cbench.plan import open_track
from cbench.plugins.encoders import embed
from cbench.stages.optimizer import name_of
from cbench.stages.sample import sample
from cbench.stages.train import Fit, TrainingData, encode_images, train
from cbench.track import BackboneSpec, Sampling
from cbench.update import gaussian

pytest.importorskip("timm")
shapes = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("shapes.py"))))
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SIZE = shapes.FULL if DEVICE == "cuda" else shapes.SMALL
TASKS, STEPS, PROMPTS, IMAGES = 10, 850, 5, 8
CELLS = TASKS + TASKS * (TASKS + 1) // 2
CAPTIONS, ASKED = ["a photo of a sks teapot"], [f"a sks teapot number {n}" for n in range(SIZE.prompts)]
AIMS = {
    "steps a second": 15.0,
    "seconds an image": 1.3,
    "times the plain shape over a run": 10.0,
    "GB at most in training": 24.0,
}
"""On an H100, at full size."""
GOES = 1 if DEVICE == "cuda" else 3
"""How often something is timed, the best of which counts: a CPU has other things to do."""
LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]


def took(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, with the device's queue empty before and after, and the result."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    result = work()
    if DEVICE == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began, result


def beside(*works: Callable[[], Any]) -> list[float]:
    """Seconds of the fastest go of each work, one after the other in turns: what else the machine does
    befalls all of them."""
    goes = [[took(work)[0] for work in works] for _ in range(GOES)]
    return [min(times) for times in zip(*goes, strict=True)]


def a_step(*all_steps: Callable[[int], Any]) -> list[tuple[float, float]]:
    """For each way to train: seconds of one step, from two lengths subtracted, and of what is around the
    steps of a training."""
    lengths = SIZE.steps, 3 * SIZE.steps
    times = beside(
        *(lambda steps=steps, count=count: steps(count) for steps in all_steps for count in lengths)
    )
    told = []
    for short, long in zip(times[::2], times[1::2], strict=True):
        step = (long - short) / (2 * SIZE.steps)
        told.append((step, max(short - SIZE.steps * step, 0.0)))
    return told


def rate(dtype: torch.dtype) -> float:
    """FLOP/s of a large matrix product, the best of five."""
    side = 8192 if DEVICE == "cuda" else 1024
    a = torch.randn(side, side, device=DEVICE, dtype=dtype)
    return 2 * side**3 / min(took(lambda: a @ a)[0] for _ in range(5))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pipeline")
    shapes.write(place, SIZE, DEVICE)
    return place


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """DINO's ViT with random weights where it is looked for."""
    import timm

    width, depth, heads = SIZE.vision
    make = timm.models.vision_transformer.VisionTransformer
    monkeypatch.setattr(
        timm,
        "create_model",
        lambda *_, **more: make(patch_size=16, embed_dim=width, depth=depth, num_heads=heads, **more),
    )
    monkeypatch.setattr(Dino, "weights", Dino.weights._replace(sha256=None))
    monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path))
    path = tmp_path / Dino.weights.repo / Dino.weights.name
    path.parent.mkdir(parents=True)
    save_file(timm.create_model("", num_classes=0).state_dict(), path)
    return lambda: Dino(DEVICE)


def photograph() -> Image.Image:
    return Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (SIZE.side, SIZE.side, 3), dtype=np.uint8)
    )


class Plain:
    """The plain shape: all in fp32, everything in the training loop."""

    def __init__(self, folder: Path) -> None:
        from diffusers import DiffusionPipeline

        self.load, self.pipe = took(
            lambda: DiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32).to(DEVICE)
        )
        self.pipe.set_progress_bar_config(disable=True)
        for part in (self.pipe.unet, self.pipe.vae, self.pipe.text_encoder, self.pipe.text_encoder_2):
            part.requires_grad_(False)

    def steps(self, count: int) -> None:
        pipe = self.pipe
        pipe.unet.add_adapter(
            LoraConfig(r=SIZE.rank, lora_alpha=SIZE.rank, init_lora_weights="gaussian", target_modules=LAYERS)
        )
        pipe.unet.enable_gradient_checkpointing()
        learned = [p for p in pipe.unet.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(learned, lr=1e-5)
        pixels = (
            torch.from_numpy(np.array(photograph())).permute(2, 0, 1)[None].float().to(DEVICE) / 127.5 - 1
        )
        size = torch.tensor([[SIZE.side, SIZE.side, 0, 0, SIZE.side, SIZE.side]], device=DEVICE)
        for _ in range(count):
            with torch.no_grad():
                clean = pipe.vae.encode(pixels).latent_dist.sample() * pipe.vae.config.scaling_factor
                states, _, pooled, _ = pipe.encode_prompt(
                    CAPTIONS, device=DEVICE, do_classifier_free_guidance=False
                )
            noise, when = torch.randn_like(clean), torch.randint(1000, (1,), device=DEVICE)
            more = {"text_embeds": pooled, "time_ids": size}
            guess = pipe.unet.train()(
                clean + noise, when, encoder_hidden_states=states, added_cond_kwargs=more
            ).sample
            torch.nn.functional.mse_loss(guess, noise).backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            optimizer.zero_grad()
        pipe.unet.eval().unload_lora()
        pipe.unet.disable_gradient_checkpointing()

    def draw(self) -> None:
        told = {
            "num_images_per_prompt": SIZE.per_prompt,
            "num_inference_steps": SIZE.sampling_steps,
            "guidance_scale": 5.0,
        }
        for prompt in ASKED:
            self.pipe(prompt, height=SIZE.side, width=SIZE.side, **told)


class Stages:
    """cbench's stages at this size, over an update that is folded in."""

    def __init__(self, folder: Path) -> None:
        spec = BackboneSpec(
            path=str(folder), resolution=SIZE.side, dtype="bfloat16" if DEVICE == "cuda" else "float32"
        )
        self.load, self.backbone = took(lambda: open_backbone(spec, folder, DEVICE))
        self.numbers = open_track("sdxl").training.model_copy(update={"rank": SIZE.rank})
        self.asked = Sampling(
            steps=SIZE.sampling_steps,
            guidance=5.0,
            scheduler="EulerDiscreteScheduler",
            images_per_prompt=SIZE.per_prompt,
            batch=SIZE.per_prompt,
        )
        shapes_of = self.backbone.layers(self.numbers)
        self.start = gaussian(shapes_of, self.numbers.rank, 0)
        self.frozen = {name: torch.full(shape, 1e-4) for name, shape in shapes_of.items()}
        self.show()  # the captions are read once

    def show(self) -> Any:
        return encode_images(self.backbone, [photograph()], CAPTIONS)

    def steps(self, count: int) -> Any:
        numbers = self.numbers.model_copy(update={"steps": count})
        return train(self.backbone, self.frozen, Fit(self.start, TrainingData(self.show()), 0, numbers))

    def draw(self, prompts: list[str] = ASKED, **other: int) -> np.ndarray:
        return sample(self.backbone, self.frozen, prompts, self.asked.model_copy(update=other))


def arithmetic(stages: Stages) -> dict[str, float]:
    """FLOP of a step and of an image, counted."""
    with FlopCounterMode(display=False) as step_work:
        stages.steps(1)
    with FlopCounterMode(display=False) as nothing:
        stages.show()
    with FlopCounterMode(display=False) as image_work:
        stages.draw(ASKED[:1], images_per_prompt=1)
    return {
        "step": step_work.get_total_flops() - nothing.get_total_flops(),
        "image": image_work.get_total_flops(),
    }


def training_peak(stages: Stages) -> float:
    """GB that a training takes at most on a GPU, with nothing else there."""
    if DEVICE != "cuda":
        return 0.0
    torch.cuda.reset_peak_memory_stats()
    stages.steps(SIZE.steps)
    return torch.cuda.max_memory_allocated() / 1e9


def side_by_side(plain: Plain, stages: Stages, encoder: Callable[[], Dino]) -> list[dict[str, float]]:
    """Seconds of both shapes: loading, a step, what is around the steps of a training, an image, scoring a
    cell's images."""
    plain.steps(1)
    eye, shown = encoder(), [photograph()] * PROMPTS * IMAGES
    eye.embed(shown[:1])
    trained = a_step(plain.steps, stages.steps)
    drawn = beside(plain.draw, stages.draw)
    scored = beside(lambda: embed(encoder(), shown), lambda: embed(eye, shown))
    count = SIZE.per_prompt * len(ASKED)
    return [
        {"load": shape.load, "step": step, "around": around, "image": image / count, "cell": cell}
        for shape, (step, around), image, cell in zip((plain, stages), trained, drawn, scored, strict=True)
    ]


def compiled(stages: Stages) -> dict[str, float]:
    """The same stages with the UNet through torch.compile, which cbench does not use: what a step and an
    image take then, and what a first training, a later one (its adapter is new to the UNet) and a first cell
    take more."""
    stages.backbone.denoiser.compile()
    first, _ = took(lambda: stages.steps(1))
    [(step, around)] = a_step(stages.steps)
    cell, images = took(stages.draw)
    [drawn] = beside(stages.draw)
    return {
        "step": step,
        "image": drawn / len(images),
        "first": first - step,
        "around": around,
        "cell": cell - drawn,
    }


def run_of(seconds: dict[str, float], loads: int) -> float:
    """Seconds of a whole run of the study: ten tasks of 850 steps, 65 cells of 40 images, two encoders a
    cell."""
    images = CELLS * PROMPTS * IMAGES
    training = TASKS * (STEPS * seconds["step"] + seconds["around"])
    return loads * seconds["load"] + training + images * seconds["image"] + 2 * CELLS * seconds["cell"]


@pytest.mark.slow
def test_stages_beside_the_plain_shape(folder, encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))  # nothing is compiled yet
    stages = Stages(folder)
    work, peak = arithmetic(stages), training_peak(stages)
    before, ours = side_by_side(Plain(folder), stages, encoder)
    speed = rate(torch.bfloat16 if DEVICE == "cuda" else torch.float32)
    floor = {key: amount / speed for key, amount in work.items()}
    totals = run_of(before, TASKS), run_of(ours, 1)
    names = {
        "load": "load",
        "step": "training step",
        "around": "around the steps",
        "image": "image",
        "cell": "score 40 images",
    }
    rows = [
        (name, before[key], ours[key], before[key] / ours[key] if ours[key] else None, floor.get(key))
        for key, name in names.items()
    ]
    least = run_of({"load": 0, "around": 0, "cell": 0, **floor}, 0)
    rows.append((f"a run ({TASKS} tasks), extrapolated", *totals, totals[0] / totals[1], least))
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    print(f"\n{SIZE.name} on {device}; {speed / 1e12:.2f} TFLOP/s; a step {work['step'] / 1e12:.3f} TFLOP,")
    print(
        f"an image of {SIZE.sampling_steps} steps {work['image'] / 1e12:.3f} TFLOP; optimizer "
        f"{name_of(stages.numbers, DEVICE)}"
    )
    print(tabulate(rows, headers=["seconds", "plain", "stages", "times", "floor"], floatfmt=".4f"))
    found = (1 / ours["step"], ours["image"], totals[0] / totals[1], peak)
    aims = [(what, value, aim) for (what, aim), value in zip(AIMS.items(), found, strict=True)]
    print(tabulate(aims, headers=["", "here", "aim (H100, full size)"], floatfmt=".2f"))
    faster = compiled(stages)  # last: where it fails, the table is there
    print(
        f"torch.compile: a step {faster['step']:.4f}, an image {faster['image']:.4f} seconds;",
        "more for the first training",
        end=" ",
    )
    print(
        f"{faster['first']:.1f}, around a later one {faster['around']:.1f}, for the first cell "
        f"{faster['cell']:.1f}"
    )
    assert totals[0] > totals[1]
    assert all(ours[key] > floor[key] for key in floor), "nothing is faster than its arithmetic"
