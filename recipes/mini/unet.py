"""Pre-trains the mini world's UNet (SDXL's class in small) on captioned pictures: v-prediction, zero terminal SNR, EMA.

Over the second mix (`--mix 2`) it goes on from what the first has made of it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from pictures import Pictures, load
from torch import Tensor
from torch.nn.functional import mse_loss
from training import DEVICE, Average, autocast, steps, to_tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

COURSE = {1: (7_000, 7e-4), 2: (4_000, 4e-4)}
"""Mix -> steps, highest learning rate."""
TIME_IDS = (64, 64, 0, 0, 64, 64)
"""SDXL's micro-conditioning: original size, crop, target size."""


def build(width: int = 128) -> UNet2DConditionModel:
    """SDXL's UNet in small: attention on the two lower of three levels. Residual branches start silent, which speeds up learning."""
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=8,
        out_channels=8,
        block_out_channels=(64, 128, 192),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=1,
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
def latents_of(data: Pictures, vae: AutoencoderKL, path: Path) -> Tensor:
    """The posterior means of all pictures, scaled, n x 8 x 16 x 16 in fp16; kept at `path`."""
    if not path.exists():
        rows = []
        for start in range(0, len(data.captions), 256):
            with autocast():
                mean = vae.encode(to_tensor(data.pixels[start : start + 256])).latent_dist.mean
            rows.append((mean.float() * vae.config.scaling_factor).half().cpu())
        torch.save(torch.cat(rows), path)
    return torch.load(path, weights_only=True, mmap=True)


@torch.no_grad()
def texts_of(captions: list[str], folder: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Penultimate states (distinct captions x 20 x 128), pooled embeddings and each caption's row; the last row is the empty caption."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer_2")
    encoder = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").to(DEVICE).eval()
    distinct = {c: i for i, c in enumerate(dict.fromkeys([*captions, ""]))}
    states, pooled, names = [], [], list(distinct)
    for start in range(0, len(names), 1024):
        ids = tokenizer(names[start : start + 1024], padding="max_length", truncation=True, return_tensors="pt").input_ids
        out = encoder(ids.to(DEVICE), output_hidden_states=True)
        states.append(out.hidden_states[-2].half())
        pooled.append(out.text_embeds.half())
    return torch.cat(states), torch.cat(pooled), torch.tensor([distinct[c] for c in [*captions, ""]])


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--mix", type=int, choices=COURSE, default=1)
    parser.add_argument("--steps", type=int, help="of the mix where not given")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, help="of the mix where not given")
    args = parser.parse_args()
    total, peak = args.steps or COURSE[args.mix][0], args.rate or COURSE[args.mix][1]
    folder, data = args.work / "pipeline", load(args.work, args.count, args.mix)
    vae = AutoencoderKL.from_pretrained(folder / "vae").to(DEVICE).eval()
    latents = latents_of(data, vae, args.work / f"latents-{args.mix}.pt")
    states, pooled, rows_of = texts_of(data.captions, folder)
    empty = int(rows_of[-1])
    torch.manual_seed(0)
    unet = build() if args.mix == 1 else UNet2DConditionModel.from_pretrained(folder / "unet")
    unet = unet.to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(unet.parameters(), weight_decay=0.01, betas=(0.9, 0.99), fused=True)
    alphas = scheduler().alphas_cumprod.to(DEVICE)
    time_ids = torch.tensor([TIME_IDS] * args.batch, dtype=torch.float32, device=DEVICE)
    average, losses = Average(unet, 0.999), []
    told = lambda _: f"{np.mean(losses[-200:]):.4f}"  # noqa: E731
    for step in steps(unet, optimizer, average, args.work / f"unet-{args.mix}.pt", total, peak, told, 200):
        rng = torch.Generator().manual_seed(step)
        picks = torch.randint(len(latents), (args.batch,), generator=rng)
        clean = latents[picks].to(DEVICE).float()
        texts = torch.where(torch.rand(args.batch, generator=rng) < 0.1, empty, rows_of[picks])
        noise = torch.randn(clean.shape, generator=rng).to(DEVICE)
        times = torch.randint(1000, (args.batch,), generator=rng).to(DEVICE)
        signal, spread = alphas[times].sqrt().view(-1, 1, 1, 1), (1 - alphas[times]).sqrt().view(-1, 1, 1, 1)
        noisy = (signal * clean + spread * noise).contiguous(memory_format=torch.channels_last)
        conditions = {"text_embeds": pooled[texts].float(), "time_ids": time_ids}
        with autocast():
            guess = unet(noisy, times, states[texts].float(), added_cond_kwargs=conditions).sample
        loss = mse_loss(guess.float(), signal * noise - spread * clean)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    unet.load_state_dict(average.state)
    save_pipeline(folder, unet)


if __name__ == "__main__":
    main()
