"""Pre-trains the mini world's UNet (SDXL's class in small) on captioned pictures: v-prediction, zero terminal
SNR, EMA.

The rate is constant, so the training can go on for as long as anybody likes: the same command resumes it,
`--steps` says where it ends.
`--decay N` goes N steps on from where the training stands while the rate falls to nothing, and leaves the
training itself alone: what comes
out is the better pipeline.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from fast import speed_up
from latents import encode, ready
from pictures import COUNT, Pictures, load
from torch import Tensor
from torch.nn.functional import mse_loss
from training import DEVICE, Optimizer, halve, save
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

TIME_IDS = (64, 64, 0, 0, 64, 64)
"""SDXL's micro-conditioning: original size, crop, target size."""


def build(
    width: int = 128, channels: tuple[int, ...] = (64, 128, 192), depth: int = 1
) -> UNet2DConditionModel:
    """SDXL's UNet in small: attention on the two lower of three levels. Residual branches start silent, which
    speeds up learning.
    """
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=8,
        out_channels=8,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (len(channels) - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (len(channels) - 1), "UpBlock2D"),
        transformer_layers_per_block=depth,
        attention_head_dim=4,
        cross_attention_dim=width,
        norm_num_groups=16,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=32,
        projection_class_embeddings_input_dim=6 * 32 + width,
    )
    for name, parameter in unet.named_parameters():
        if ".conv2." in name or ".proj_out." in name or name.startswith("conv_out."):
            torch.nn.init.zeros_(parameter)
    return unet


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


@torch.no_grad()
def texts_of(captions: list[str], folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Penultimate states (distinct captions x 20 x 128), pooled embeddings and each caption's row; the last
    row is the empty caption.
    """
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer_2")
    encoder = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").to(DEVICE).eval()
    distinct = {c: i for i, c in enumerate(dict.fromkeys([*captions, ""]))}
    states, pooled, names = [], [], list(distinct)
    for start in range(0, len(names), 1024):
        ids = tokenizer(
            names[start : start + 1024], padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        out = encoder(ids.to(DEVICE), output_hidden_states=True)
        states.append(out.hidden_states[-2].bfloat16())
        pooled.append(out.text_embeds.bfloat16())
    return (
        torch.cat(states),
        torch.cat(pooled),
        torch.tensor([distinct[c] for c in [*captions, ""]], device=DEVICE),
    )


def save_pipeline(folder: Path, unet: UNet2DConditionModel) -> None:
    """Write the whole pipeline, as `StableDiffusionXLPipeline.from_pretrained` loads it."""
    StableDiffusionXLPipeline(
        vae=AutoencoderKL.from_pretrained(folder / "vae"),
        text_encoder=None,
        tokenizer=None,
        text_encoder_2=CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2"),
        tokenizer_2=CLIPTokenizer.from_pretrained(folder / "tokenizer_2"),
        unet=unet,
        scheduler=scheduler(),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    ).save_pretrained(folder, safe_serialization=True)


class Examples:
    """Latents and captions as the UNet reads them, and its loss on any of them."""

    def __init__(self, data: Pictures, work: Path, name: str) -> None:
        self.work, self.name = work, name
        if not ready(work, name):
            encode(data.pixels, work, name)
        rows = torch.from_numpy(np.load(work / f"latents-{name}.npy", mmap_mode="c"))
        self.latents, self.count = rows.to(DEVICE), ready(work, name)
        self.states, self.pooled, self.rows_of = texts_of(data.captions, work / "pipeline")
        self.alphas = scheduler().alphas_cumprod.to(DEVICE)

    def loss(
        self,
        unet: UNet2DConditionModel,
        picks: Tensor,
        times: Tensor,
        rng: torch.Generator,
        dropped: float = 0.1,
    ) -> Tensor:
        """Mean squared error of the guessed velocity; a share of the captions is `dropped`."""
        clean = self.latents[picks].float()
        noise = torch.randn(clean.shape, generator=rng, device=DEVICE)
        texts = torch.where(
            torch.rand(len(picks), generator=rng, device=DEVICE) < dropped,
            self.rows_of[-1],
            self.rows_of[picks],
        )
        alphas = self.alphas[times].view(-1, 1, 1, 1)
        signal, spread = alphas.sqrt(), (1 - alphas).sqrt()
        noisy = (signal * clean + spread * noise).to(unet.dtype).contiguous(memory_format=torch.channels_last)
        sizes = torch.tensor([TIME_IDS] * len(picks), device=DEVICE)
        conditions = {"text_embeds": self.pooled[texts], "time_ids": sizes}
        guess = unet(noisy, times, self.states[texts], added_cond_kwargs=conditions).sample
        return mse_loss(guess.float(), signal * noise - spread * clean)


@torch.no_grad()
def held_out_loss(unet: UNet2DConditionModel, optimizer: Optimizer, examples: Examples) -> float:
    """The averaged weights' loss on pictures never trained on, at fixed noises and times spread evenly."""
    optimizer.show_average()
    count = examples.count
    times, rng = torch.linspace(0, 999, count).long().to(DEVICE), torch.Generator(DEVICE).manual_seed(0)
    order = torch.randperm(count, generator=rng, device=DEVICE)
    parts = [examples.loss(unet, order[i : i + 64], times[i : i + 64], rng, 0.0) for i in range(0, count, 64)]
    optimizer.show_weights()
    return float(torch.stack(parts).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--every", type=int, default=500, help="steps from one checkpoint to the next")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop earlier, with a checkpoint")
    parser.add_argument("--decay", type=int, default=0, help="steps over which the rate falls to nothing")
    parser.add_argument("--begin", type=Path, help="without a checkpoint: a UNet to go on from ...")
    parser.add_argument("--done", type=int, default=0, help="... and the steps that it has had")
    args = parser.parse_args()
    examples = Examples(load(args.work, args.count), args.work, "train")
    fresh = Examples(load(args.work, 1024, seed=98), args.work, "held-out")
    torch.manual_seed(0)
    begun = UNet2DConditionModel.from_pretrained(args.begin) if args.begin else build()
    unet = speed_up(halve(begun))
    optimizer, losses, path = Optimizer(unet, horizon=4000), [], args.work / "unet.pt"
    optimizer.step_count = args.done
    if path.exists():
        optimizer.load(torch.load(path, weights_only=True, map_location=DEVICE))
    start, began = optimizer.step_count, time.time()
    end = start + args.decay if args.decay else args.steps
    for step in range(start, end):
        rng = torch.Generator(DEVICE).manual_seed(step)
        picks = torch.randint(examples.count, (args.batch,), generator=rng, device=DEVICE)
        times = torch.randint(1000, (args.batch,), generator=rng, device=DEVICE)
        loss = examples.loss(unet, picks, times, rng)
        loss.backward()
        fall = (end - step) / args.decay if args.decay else 1.0
        optimizer.step(args.rate * min(1.0, (step - args.done + 1) / 300) * fall)
        losses.append(loss.detach())
        late = time.time() - began > 60 * args.minutes
        if (step + 1) % args.every == 0 or step + 1 == end or late:
            line = {"step": step + 1, "seconds": round(time.time() - began)}
            line |= {
                "loss": float(torch.stack(losses).mean()),
                "held out": held_out_loss(unet, optimizer, fresh),
            }
            losses.clear()
            examples.count = ready(args.work, "train")
            print(json.dumps({k: round(v, 4) for k, v in line.items()}), flush=True)
            if not args.decay:
                save(path, optimizer.state())
        if late:
            break
    save_pipeline(args.work / "pipeline", optimizer.give_average(build().to(DEVICE)))


if __name__ == "__main__":
    main()
