"""The first stage: train(frozen update, start adapter, examples, prior images, seed, numbers) -> adapter.

LoRA through peft, the loop through accelerate. Latents' posteriors and text embeddings are computed once;
what a step costs is the UNet."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import GradientAccumulationPlugin, release_memory
from diffusers import DDPMScheduler
from diffusers.optimization import get_scheduler
from peft import LoraConfig
from peft.helpers import disable_input_dtype_casting
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss

from cbench.backbone.backbone import Backbone, PromptEmbeddings
from cbench.errors import BadInput, memory_ran_out
from cbench.stages.batching import in_batches
from cbench.stages.finite_loss import NotANumber, Watch
from cbench.stages.optimizer import make_optimizer
from cbench.track import Training, check_trainable
from cbench.update import Adapter, Factors, Update
from cbench.utils.interrupt import check_interrupt

ADAPTER = "cbench"
Penalty = Callable[[Adapter], Tensor | None]


class EncodedImages(NamedTuple):
    """Images with captions, as the UNet trains on them."""

    mean: Tensor
    """Posterior means, n x c x h x w, scaled."""
    std: Tensor
    words: PromptEmbeddings

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, PromptEmbeddings]:
        """`count` random rows: latents sampled from their posteriors, and each one's own words."""
        rows = sent(torch.randint(len(self.mean), (count,), generator=generator), self.mean.device)
        noise = sent(torch.randn((count, *self.mean.shape[1:]), generator=generator), self.mean.device)
        return self.mean[rows] + self.std[rows] * noise, self.words.rows(rows)


def sent(drawn: Tensor, device: torch.device) -> Tensor:
    """What was drawn on the CPU (the same numbers on every machine), on the device; neither waits for the
    other."""
    return drawn.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else drawn


@torch.no_grad()
def encode_images(
    backbone: Backbone, images: Sequence[Image.Image], prompts: Sequence[str], flip: bool = False
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
    scale = backbone.vae.config.scaling_factor

    def encode(part: Tensor) -> tuple[Tensor, Tensor]:
        posterior = backbone.vae.encode(part.to(backbone.device, backbone.vae.dtype)).latent_dist
        return (posterior.mean * scale).float(), (posterior.std * scale).float()

    with backbone.present(backbone.vae):
        means, stds = zip(*in_batches(pixels, 8, encode), strict=True)
    distinct = {c: i for i, c in enumerate(dict.fromkeys(captions))}
    words = backbone.encode_prompts(list(distinct)).rows(
        torch.tensor([distinct[c] for c in captions], device=backbone.device)
    )
    return EncodedImages(torch.cat(means), torch.cat(stds), words)


def train(
    backbone: Backbone,
    frozen: Update,
    start: Adapter,
    own: EncodedImages,
    prior: EncodedImages | None,
    seed: int,
    numbers: Training,
    penalty: Penalty,
) -> Adapter:
    """The adapter after `numbers.steps` steps on `own`, over W0 + `frozen`, from `start`.

    Activations are kept where memory allows, else computed again (gradient checkpointing): the first training
    on the device finds out, and the backbone remembers. Raises NotANumber, and BadInput where memory does not
    suffice even so."""
    check_trainable(str(backbone.unet.dtype).removeprefix("torch."))
    with backbone.folded(frozen):
        for saving in (True,) if backbone.saves_memory else (False, True):
            backbone.saves_memory = saving
            try:
                return _from_start(backbone, start, own, prior, seed, numbers, penalty)
            except Exception as error:
                if not memory_ran_out(error):
                    raise  # else release what it holds, but only after it is gone
            release_memory()
    raise BadInput(
        f"the device has not enough memory to train with batch {numbers.batch}; choose a smaller track or a "
        "larger GPU"
    )


def _from_start(
    backbone: Backbone,
    start: Adapter,
    own: EncodedImages,
    prior: EncodedImages | None,
    seed: int,
    numbers: Training,
    penalty: Penalty,
) -> Adapter:
    """One try, all steps; the UNet is left as it was found."""
    backbone.unet.add_adapter(_lora(start, numbers), adapter_name=ADAPTER)
    if backbone.saves_memory:
        backbone.unet.enable_gradient_checkpointing()
    try:
        with disable_input_dtype_casting(
            backbone.unet
        ):  # autocast does it, without a copy in fp32 on the way
            return _loop(backbone, start, own, prior, seed, numbers, penalty)
    finally:
        backbone.unet.disable_gradient_checkpointing()
        backbone.unet.unload_lora()
        backbone.unet.requires_grad_(False).eval()


def _lora(start: Adapter, numbers: Training) -> LoraConfig:
    return LoraConfig(
        r=numbers.rank, lora_alpha=numbers.rank, init_lora_weights="gaussian", target_modules=sorted(start)
    )


def _live(unet: torch.nn.Module, names: Sequence[str]) -> Adapter:
    """The factors in training, as the UNet's own parameters; in fp32 whatever the UNet's precision is."""
    layers: Any = {name: unet.get_submodule(name) for name in names}
    for layer in layers.values():
        layer.lora_A[ADAPTER].float()
        layer.lora_B[ADAPTER].float()
    return {
        name: Factors(layer.lora_A[ADAPTER].weight, layer.lora_B[ADAPTER].weight)
        for name, layer in layers.items()
    }


def make_accelerator(kind: str) -> Accelerator:
    """The accelerator for a kind of device. All that it would read from `ACCELERATE_*` and that moves numbers
    is said here."""
    return Accelerator(
        cpu=kind == "cpu",
        device_placement=False,  # it would move the UNet to the first GPU
        mixed_precision="no",
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        dynamo_backend="no",
    )


def _loop(
    backbone: Backbone,
    start: Adapter,
    own: EncodedImages,
    prior: EncodedImages | None,
    seed: int,
    numbers: Training,
    penalty: Penalty,
) -> Adapter:
    live = _live(backbone.unet, sorted(start))
    with torch.no_grad():
        for name, factors in start.items():
            live[name].A.copy_(factors.A)
            live[name].B.copy_(factors.B)
    parameters = [p for factors in live.values() for p in factors]
    accelerator = make_accelerator(backbone.device.type)
    optimizer = make_optimizer(parameters, numbers, backbone.device.type)
    unet, optimizer = accelerator.prepare(backbone.unet.train(), optimizer)
    rate = get_scheduler(numbers.schedule, optimizer, num_warmup_steps=0, num_training_steps=numbers.steps)
    noising = DDPMScheduler.from_config(backbone.noising)
    precision = torch.autocast(
        backbone.device.type, torch.bfloat16, enabled=backbone.unet.dtype == torch.bfloat16
    )
    generator, watch = torch.Generator().manual_seed(seed), Watch(backbone.device, numbers.steps)
    for step in range(numbers.steps):
        check_interrupt(step, numbers.steps)
        with precision:
            loss = _loss(backbone, unet, noising, own, prior, numbers, generator)
        extra = penalty(live)
        total = loss if extra is None else loss + extra
        watch.see(total, step)
        accelerator.backward(total)
        accelerator.clip_grad_norm_(parameters, numbers.max_grad_norm)
        optimizer.step()
        rate.step()
        optimizer.zero_grad()
    if not all(torch.isfinite(p).all() for p in parameters):
        raise NotANumber(
            f"the weights are no longer finite after step {numbers.steps - 1}; nothing of this task is kept"
        )
    return {
        name: Factors(f.A.detach().float().cpu().clone(), f.B.detach().float().cpu().clone())
        for name, f in live.items()
    }


def _loss(
    backbone: Backbone,
    unet: Any,
    noising: Any,
    own: EncodedImages,
    prior: EncodedImages | None,
    numbers: Training,
    generator: torch.Generator,
) -> Tensor:
    """Denoising loss of one batch; prior images (Ruiz et al. 2023, eq. 2) ride in the same forward pass."""
    clean, words = own.draw(numbers.batch, generator)
    if prior is not None and numbers.prior is not None:
        before, told = prior.draw(numbers.prior.batch, generator)
        clean = torch.cat([clean, before])
        pooled = (
            None if words.pooled is None or told.pooled is None else torch.cat([words.pooled, told.pooled])
        )
        words = PromptEmbeddings(torch.cat([words.states, told.states]), pooled)
    noise = sent(torch.randn(clean.shape, generator=generator), clean.device)
    times = sent(
        torch.randint(noising.config.num_train_timesteps, (len(clean),), generator=generator), clean.device
    )
    guess = unet(noising.add_noise(clean, noise, times), times, **backbone.conditions(words)).sample.float()
    target = (
        noising.get_velocity(clean, noise, times)
        if noising.config.prediction_type == "v_prediction"
        else noise
    )
    loss = mse_loss(guess[: numbers.batch], target[: numbers.batch].float())
    if len(clean) == numbers.batch or numbers.prior is None:
        return loss
    return loss + numbers.prior.weight * mse_loss(guess[numbers.batch :], target[numbers.batch :].float())
