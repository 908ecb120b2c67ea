"""Measures what the recipe has trained: the autoencoder's loss of detail, and how well the towers name nouns."""

import argparse
from pathlib import Path

import numpy as np
import torch
from compose import apply_style
from diffusers import AutoencoderKL
from pictures import load
from torch.nn.functional import normalize
from training import to_tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, ResNetForImageClassification
from vocabulary import NOUNS, STREAM_STYLES, VALIDATION_STYLES


@torch.no_grad()
def psnr(vae: AutoencoderKL, pixels: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio of the reconstructions, in dB."""
    images = to_tensor(pixels)
    again = vae.decode(vae.encode(images).latent_dist.mean).sample.clamp(-1, 1)
    return float((-10 * ((again - images) / 2).square().mean((1, 2, 3)).log10()).mean())


@torch.no_grad()
def noun_accuracy(work: Path, pixels: np.ndarray, nouns: list[str]) -> float:
    """Share of images whose nearest `a photo of a NOUN` names their noun."""
    tokenizer = CLIPTokenizer.from_pretrained(work / "pipeline" / "tokenizer_2")
    text = CLIPTextModelWithProjection.from_pretrained(work / "pipeline" / "text_encoder_2").eval()
    tower = ResNetForImageClassification.from_pretrained(work / "encoders" / "clip_i").eval()
    prompts = [f"a photo of {'an' if noun[0] in 'aeiou' else 'a'} {noun}" for noun in NOUNS]
    ids = tokenizer(prompts, padding="max_length", return_tensors="pt").input_ids
    similarity = normalize(tower(to_tensor(pixels).cpu()).logits) @ normalize(text(input_ids=ids).text_embeds).T
    truth = torch.tensor([list(NOUNS).index(noun) for noun in nouns])
    return float((similarity.argmax(1) == truth).float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    fresh = load(work, 1000, seed=99)
    vae = AutoencoderKL.from_pretrained(work / "pipeline" / "vae").eval()
    held_out = [apply_style(fresh.pixels[i], style) for i, style in enumerate((*STREAM_STYLES, *VALIDATION_STYLES) * 4)]
    print(f"autoencoder, 200 fresh pictures of the mix: {psnr(vae, fresh.pixels[:200]):.1f} dB")
    print(f"autoencoder, 56 pictures in held-out styles: {psnr(vae, np.stack(held_out)):.1f} dB")
    plain = [i for i, style in enumerate(fresh.styles) if not style]
    accuracy = noun_accuracy(work, np.asarray(fresh.pixels)[plain], [fresh.nouns[i] for i in plain])
    print(f"CLIP part, noun named right among {len(NOUNS)} on {len(plain)} fresh pictures without style: {accuracy:.1%}")


if __name__ == "__main__":
    main()
