"""Trains the mini world's CLIP: the pipeline's text encoder and the image tower of `mini_clip_i`, by contrast (Radford et al. 2021).

Beside the contrast the text encoder must tell each token again from its penultimate layer, which is what the UNet reads: so words that
mean nothing yet stay apart. Over the second mix (`--mix 2`) both towers go on from what the first has made of them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from pictures import load
from tokenizer import LENGTH, make
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from training import DEVICE, Average, autocast, steps, to_tensor
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    ResNetConfig,
    ResNetForImageClassification,
)

WIDTH = 128
COURSE = {1: (1_000, 1e-3), 2: (600, 5e-4)}
"""Mix -> steps, highest learning rate."""


def image_tower(width: int = WIDTH) -> ResNetForImageClassification:
    """A small residual network whose `logits` are the embedding: n x 3 x 64 x 64 in [-1, 1] -> n x width."""
    sizes = [64, 128, 256]
    return ResNetForImageClassification(
        ResNetConfig(embedding_size=32, hidden_sizes=sizes, depths=[1, 1, 1], layer_type="basic", num_labels=width, image_size=64)
    )


def text_tower(vocabulary: int, end: int) -> CLIPTextModelWithProjection:
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            bos_token_id=end - 1,
            eos_token_id=end,
            pad_token_id=end,
        )
    )


class Towers(nn.Module):
    def __init__(self, text: CLIPTextModelWithProjection, image: ResNetForImageClassification) -> None:
        super().__init__()
        self.text, self.image = text, image
        self.tokens = nn.Linear(WIDTH, text.config.vocab_size)
        self.scale = nn.Parameter(torch.tensor(2.6))

    def forward(self, pixels: Tensor, ids: Tensor) -> Tensor:
        with autocast():
            text = self.text(input_ids=ids, output_hidden_states=True)
            image = self.image(pixels).logits
            told = self.tokens(text.hidden_states[-2])
        logits = normalize(image.float()) @ normalize(text.text_embeds.float()).T * self.scale.exp()
        truth = torch.arange(len(ids), device=ids.device)
        contrast = (cross_entropy(logits, truth) + cross_entropy(logits.T, truth)) / 2
        return contrast + 0.2 * cross_entropy(told.float().flatten(0, 1), ids.flatten())


def open_tokenizer(folder: Path, mix: int) -> CLIPTokenizer:
    """A new tokenizer for the first mix, the present one for the second."""
    return make(folder) if mix == 1 else CLIPTokenizer.from_pretrained(folder)


def begin(work: Path, mix: int, vocabulary: int, end: int) -> Towers:
    """New towers for the first mix, the present ones for the second."""
    if mix == 1:
        return Towers(text_tower(vocabulary, end), image_tower())
    text = CLIPTextModelWithProjection.from_pretrained(work / "pipeline" / "text_encoder_2")
    return Towers(text, ResNetForImageClassification.from_pretrained(work / "encoders" / "clip_i"))


def shorten(caption: str, scene_words: tuple[str, ...]) -> str:
    """The caption without its background, so that likeness is about the thing drawn."""
    for words in scene_words:
        caption = caption.removesuffix(" " + words)
    return caption


def main() -> None:
    from vocabulary import COLOURS, SCENES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=80_000)
    parser.add_argument("--mix", type=int, choices=COURSE, default=1)
    parser.add_argument("--steps", type=int, help="of the mix where not given")
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    total, peak = args.steps or COURSE[args.mix][0], COURSE[args.mix][1]
    data, tokenizer = load(args.work, args.count, args.mix), open_tokenizer(args.work / "pipeline" / "tokenizer_2", args.mix)
    scenes = (*SCENES.values(), *(f"on {c}" for c in COLOURS))

    def encode(captions: list[str]) -> Tensor:
        return tokenizer(captions, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt").input_ids.to(DEVICE)

    full, short = encode(data.captions), encode([shorten(c, scenes) for c in data.captions])
    torch.manual_seed(0)
    model = begin(args.work, args.mix, len(tokenizer), tokenizer.eos_token_id).to(DEVICE)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.05, fused=True)
    average, losses, rng = Average(model, 0.99), [], np.random.default_rng(0)
    told = lambda _: f"{np.mean(losses[-50:]):.4f}"  # noqa: E731
    for _ in steps(model, optimizer, average, args.work / f"text_image-{args.mix}.pt", total, peak, told, 100):
        rows = np.sort(rng.integers(len(full), size=args.batch))
        ids = torch.where(torch.rand(args.batch, 1, device=DEVICE) < 0.6, short[rows], full[rows])
        loss = model(to_tensor(data.pixels[rows]), ids)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    model.load_state_dict(average.state)
    model.text.save_pretrained(args.work / "pipeline" / "text_encoder_2")
    model.image.save_pretrained(args.work / "encoders" / "clip_i")


if __name__ == "__main__":
    main()
