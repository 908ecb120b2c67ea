"""The first stage: train(frozen update, start adapter, data, seed, settings) -> adapter.

LoRA through peft, the loop through accelerate. The posteriors of the latents and the prompt embeddings are
computed once; the denoiser is the cost of a step."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin
from diffusers.optimization import get_scheduler
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss

from cbench.backbone.backbone import Backbone
from cbench.backbone.family import Conditions
from cbench.backbone.prompts import PromptEmbeddings, joined
from cbench.stages.batching import first_that_fits, in_batches
from cbench.stages.finite_loss import NotANumber, Watch
from cbench.stages.optimizer import make_optimizer
from cbench.step_hook import StepHook
from cbench.track import Training, check_trainable
from cbench.update import Adapter, Factors, Update, generator
from cbench.utils.interrupt import check_interrupt

ADAPTER = "cbench"
Learns = Literal["AB", "B"]
Target = Literal["noise", "model"]


class EncodedImages(NamedTuple):
    """Images with captions, as the denoiser trains on them."""

    mean: Tensor
    """Posterior means, n x c x h x w, scaled."""
    std: Tensor
    words: PromptEmbeddings
    sizes: Tensor | None = None
    """SDXL's size conditioning, n x 6; None for the resolution uncropped."""

    def draw(
        self, count: int, generator: torch.Generator, rows: Tensor | None = None
    ) -> tuple[Tensor, PromptEmbeddings, Tensor | None]:
        """`count` random rows, or those of `rows`: latents sampled from their posteriors, and each one's own
        words and size conditioning."""
        drawn = torch.randint(len(self.mean), (count,), generator=generator) if rows is None else rows
        at = sent(drawn, self.mean.device)
        noise = sent(torch.randn((count, *self.mean.shape[1:]), generator=generator), self.mean.device)
        sizes = None if self.sizes is None else self.sizes[at]
        return self.mean[at] + self.std[at] * noise, self.words.rows(at), sizes


class Epochs:
    """Row numbers, each of `count` once an epoch in shuffled order."""

    def __init__(self, count: int) -> None:
        self.count, self.left = count, list[int]()

    def take(self, count: int, generator: torch.Generator) -> Tensor:
        """The next rows."""
        while len(self.left) < count:
            self.left += torch.randperm(self.count, generator=generator).tolist()
        rows, self.left = self.left[:count], self.left[count:]
        return torch.tensor(rows)


def sent(drawn: Tensor, device: torch.device) -> Tensor:
    """What was drawn on the CPU (the same numbers on every machine), on the device; neither waits for the
    other."""
    return drawn.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else drawn


@torch.no_grad()
def encode_images(
    backbone: Backbone,
    images: Sequence[Image.Image],
    prompts: Sequence[str],
    flip: bool = False,
    sizes: Sequence[Sequence[int]] | None = None,
) -> EncodedImages:
    """Encode images (of the backbone's resolution) and captions once; with `flip` each image also
    mirrored."""
    pixels = (
        torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).float()
        / 127.5
        - 1
    )
    captions = list(prompts)
    if flip:
        pixels, captions = torch.cat([pixels, pixels.flip(-1)]), captions * 2

    def encode(part: Tensor) -> tuple[Tensor, Tensor]:
        return backbone.family.latents(
            backbone.vae.encode(part.to(backbone.device, backbone.vae.dtype)).latent_dist
        )

    with backbone.present(backbone.vae):
        means, stds = zip(*in_batches(pixels, 8, encode), strict=True)
    distinct = {c: i for i, c in enumerate(dict.fromkeys(captions))}
    words = backbone.encode_prompts(list(distinct)).rows(
        torch.tensor([distinct[c] for c in captions], device=backbone.device)
    )
    rows = [*sizes, *sizes] if sizes and flip else sizes
    conditioning = torch.tensor(rows, device=backbone.device) if rows else None
    return EncodedImages(torch.cat(means), torch.cat(stds), words, conditioning)


class Rehearsed(NamedTuple):
    """Images of a second batch in every step, with draws of their own."""

    images: EncodedImages
    weight: float = 1.0
    target: Target = "noise"


class TrainingData(NamedTuple):
    """What a training learns from."""

    own: EncodedImages
    prior: EncodedImages | None = None
    """Images of the base model (prior preservation), if `settings.prior` is set."""
    rehearsal: Rehearsed | None = None
    epochs: bool = False
    """Whether every own image comes once an epoch, in shuffled order; else rows are drawn with
    replacement."""


class Fit(NamedTuple):
    """One training: its inputs beside the backbone."""

    start: Adapter
    data: TrainingData
    seed: int
    settings: Training
    learns: Learns = "AB"
    penalty: StepHook | None = None
    project: StepHook | None = None


def train(backbone: Backbone, frozen: Update, fit: Fit) -> Adapter:
    """The adapter after `fit.settings.steps` steps from `fit.start` over W0 + `frozen`, on the CPU in fp32.

    Activations are kept if memory allows, else recomputed (gradient checkpointing): the first training on the
    device finds out, and the backbone remembers. Raises NotANumber, and BadInput if memory does not suffice
    even so."""
    check_trainable(str(backbone.denoiser.dtype).removeprefix("torch."))

    def work(saving: bool) -> Adapter:
        backbone.saves_memory = saving
        with attached(backbone, fit.start, fit.learns) as live:
            return _loop(backbone, live, fit)

    with backbone.folded(frozen):
        return first_that_fits(savings(backbone), work, f"train with batch {fit.settings.batch}")


def savings(backbone: Backbone) -> tuple[bool, ...]:
    """Whether to recompute activations: first no, then yes; only yes once a training did not fit."""
    return (True,) if backbone.saves_memory else (False, True)


@contextmanager
def attached(backbone: Backbone, adapter: Adapter, learns: Learns = "AB") -> Iterator[Adapter]:
    """The denoiser with an adapter in training; yields its factors, the denoiser's own parameters in fp32.

    Afterwards the denoiser is as it was."""
    denoiser, rank = backbone.denoiser, next(iter(adapter.values())).A.shape[0]
    config = LoraConfig(r=rank, lora_alpha=rank, init_lora_weights="gaussian", target_modules=sorted(adapter))
    denoiser.add_adapter(config, adapter_name=ADAPTER)
    if backbone.saves_memory:
        denoiser.enable_gradient_checkpointing()
    try:
        with disable_input_dtype_casting(denoiser):  # autocast does it, without a copy in fp32 on the way
            live = _live(denoiser, sorted(adapter))
            _write(live, adapter)
            for factors in live.values():
                factors.A.requires_grad_("A" in learns)
            yield live
    finally:
        denoiser.disable_gradient_checkpointing()
        denoiser.unload_lora()
        denoiser.requires_grad_(False).eval()


def _live(denoiser: torch.nn.Module, names: Sequence[str]) -> Adapter:
    """The factors in training, in fp32 whatever the denoiser's precision is."""
    layers: Any = {name: denoiser.get_submodule(name) for name in names}
    for layer in layers.values():
        layer.lora_A[ADAPTER].float()
        layer.lora_B[ADAPTER].float()
    return {
        name: Factors(layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight)
        for name, layer in layers.items()
    }


@torch.no_grad()
def _write(live: Adapter, values: Adapter) -> None:
    for name, factors in values.items():
        live[name].A.copy_(factors.A)
        live[name].B.copy_(factors.B)


LAUNCHERS = re.compile(
    r"(LOCAL_)?(WORLD_SIZE|RANK)|GROUP_RANK|ROLE_\w+|MASTER_(ADDR|PORT)|TORCHELASTIC_\w+|FORK_LAUNCHED"
    r"|(PMI|PMIX|OMPI_COMM_WORLD|MV2_COMM_WORLD|CCL|FSDP|XLA|ACCELERATE)_\w+|MPI_LOCAL\w+"
)
"""Variables by which a launcher tells a process that it is one of several."""


@contextmanager
def one_process() -> Iterator[None]:
    """Without the launchers' variables: cluster shells set them, and libraries then wait for processes that
    are not there."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if LAUNCHERS.fullmatch(name)}
    try:
        yield
    finally:
        os.environ.update(hidden)


def make_accelerator(kind: str) -> Accelerator:
    """The accelerator for a kind of device. Every `ACCELERATE_*` variable that moves numbers is overridden
    here."""
    with one_process():
        return Accelerator(
            cpu=kind == "cpu",
            device_placement=False,  # it would move the denoiser to the first GPU
            mixed_precision="no",
            gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
            dynamo_backend="no",
        )


def _loop(backbone: Backbone, live: Adapter, fit: Fit) -> Adapter:
    settings = fit.settings
    parameters = [p for factors in live.values() for p in factors if p.requires_grad]
    accelerator = make_accelerator(backbone.device.type)
    optimizer = make_optimizer(parameters, settings, backbone.device.type)
    denoiser, optimizer = accelerator.prepare(backbone.denoiser.train(), optimizer)
    rate = get_scheduler(settings.schedule, optimizer, num_warmup_steps=0, num_training_steps=settings.steps)
    denoising = Denoising(backbone, denoiser, settings)
    own, rehearsal = torch.Generator().manual_seed(fit.seed), generator(fit.seed, "rehearsal")
    watch = Watch(backbone.device, settings.steps)
    _project(live, fit)
    for step in range(settings.steps):
        check_interrupt(step, settings.steps)
        total = denoising.loss(fit, own, rehearsal)
        penalty = fit.penalty.call(live) if fit.penalty else None
        if penalty is not None:
            total = total + penalty
        watch.see(total, step)
        accelerator.backward(total)
        accelerator.clip_grad_norm_(parameters, settings.max_grad_norm)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
        _project(live, fit)
    if not all(torch.isfinite(p).all() for p in parameters):
        raise NotANumber(
            f"the weights are no longer finite after step {settings.steps - 1}; nothing of this task is kept"
        )
    return {
        name: Factors(f.A.detach().float().cpu().clone(), f.B.detach().float().cpu().clone())
        for name, f in live.items()
    }


def _project(live: Adapter, fit: Fit) -> None:
    if fit.project:
        detached = {name: Factors(f.A.detach(), f.B.detach()) for name, f in live.items()}
        _write(live, fit.project.call(detached))


class Batch(NamedTuple):
    """Clean latents, their prompt embeddings, and what noises them: n rows each."""

    clean: Tensor
    words: PromptEmbeddings
    noise: Tensor
    levels: Tensor
    """Noise levels, as the family's `noising` numbers them."""
    sizes: Tensor | None = None

    def rows(self, part: slice) -> "Batch":
        """Some of the rows."""
        return Batch(
            self.clean[part],
            self.words.rows(part),
            self.noise[part],
            self.levels[part],
            None if self.sizes is None else self.sizes[part],
        )


class Denoising:
    """The denoising task of a backbone: draws batches, asks the denoiser, compares with the target."""

    def __init__(self, backbone: Backbone, denoiser: Any, settings: Training) -> None:
        self.backbone, self.denoiser, self.epochs = backbone, denoiser, dict[int, Epochs]()
        self.settings = settings
        self.family, self.noising = backbone.family, backbone.family.noising
        self.precision = torch.autocast(
            backbone.device.type, torch.bfloat16, enabled=backbone.denoiser.dtype == torch.bfloat16
        )

    def loss(self, fit: Fit, own: torch.Generator, rehearsal: torch.Generator) -> Tensor:
        """The loss of one step; the rehearsal has a generator and a forward pass of its own.

        So the task's own numbers are, bit by bit, those of a training without it."""
        count, prior, past = fit.settings.batch, fit.settings.prior, fit.data.rehearsal
        batch = self.draw(fit.data, count, prior.batch if prior and fit.data.prior else 0, own)
        with self.precision:
            guess, target = self.guess(batch), self.target(batch)
            loss = mse_loss(guess[:count], target[:count])
            if len(guess) > count and prior:  # Ruiz et al. 2023, eq. 2
                loss = loss + prior.weight * mse_loss(guess[count:], target[count:])
            if past:
                batch = self.draw(TrainingData(past.images), count, 0, rehearsal)
                target = self.teacher(batch) if past.target == "model" else self.target(batch)
                loss = loss + past.weight * mse_loss(self.guess(batch), target)
        return loss

    def draw(self, data: TrainingData, count: int, prior: int, draws: torch.Generator) -> Batch:
        """`count` rows of the task's images and `prior` rows of the base model's, noised."""
        rows = None
        if data.epochs:
            rows = self.epochs.setdefault(id(data.own), Epochs(len(data.own.mean))).take(count, draws)
        clean, words, sizes = data.own.draw(count, draws, rows)
        if prior and data.prior:
            before, prompts, more = data.prior.draw(prior, draws)
            clean, words = torch.cat([clean, before]), joined(words, prompts)
            sizes = None if sizes is None or more is None else torch.cat([sizes, more])
        noise = sent(torch.randn(clean.shape, generator=draws), clean.device)
        levels = sent(self.noising.draw(len(clean), self.settings, draws), clean.device)
        return Batch(clean, words, noise, levels, sizes)

    def guess(self, batch: Batch) -> Tensor:
        """The denoiser's answer, n x c x h x w in fp32."""
        noisy = self.noising.noisy(batch.clean, batch.noise, batch.levels)
        times = self.noising.times(batch.levels)
        conditions = Conditions(batch.words, batch.sizes, self.settings.guidance)
        output = self.family.predict(self.denoiser, noisy, times, conditions)
        return self.noising.estimate(output, noisy, batch.levels)

    def target(self, batch: Batch) -> Tensor:
        """What the answer should be, in fp32."""
        return self.noising.target(batch.clean, batch.noise, batch.levels)

    @torch.no_grad()
    def teacher(self, batch: Batch) -> Tensor:
        """The guess of the same denoiser without the adapter."""
        trained = [(p, p.requires_grad) for p in self.backbone.denoiser.parameters()]
        self.backbone.denoiser.disable_adapters()
        try:
            return self.guess(batch)
        finally:
            self.backbone.denoiser.enable_adapters()
            for parameter, is_trained in trained:  # enabling trains all factors, also an A that stays
                parameter.requires_grad_(is_trained)


def joined_images(parts: Sequence[EncodedImages]) -> EncodedImages:
    """The images of all parts, at least one."""
    words = parts[0].words
    for part in parts[1:]:
        words = joined(words, part.words)
    sizes = [part.sizes for part in parts if part.sizes is not None]
    return EncodedImages(
        torch.cat([part.mean for part in parts]),
        torch.cat([part.std for part in parts]),
        words,
        torch.cat(sizes) if len(sizes) == len(parts) else None,
    )
