"""Trains the mini world's CLIP: the pipeline's text encoder and the image tower of `mini_clip_i`, by contrast
(Radford et al. 2021).

Beside the contrast the text encoder must tell each token again from its penultimate layer, which is what the
UNet reads: so words that
mean nothing yet stay apart.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from pictures import COUNT, load
from tokenizer import LENGTH, make
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from training import DEVICE, Optimizer, halve, rate_at, steps, to_tensor
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    ResNetConfig,
    ResNetForImageClassification,
)
from vocabulary import COLOURS, SCENES

WIDTH = 128


def image_tower(width: int = WIDTH) -> ResNetForImageClassification:
    """A small residual network whose `logits` are the embedding: n x 3 x 64 x 64 in [-1, 1] -> n x width."""
    sizes = [64, 128, 256]
    return ResNetForImageClassification(
        ResNetConfig(
            embedding_size=32,
            hidden_sizes=sizes,
            depths=[1, 1, 1],
            layer_type="basic",
            num_labels=width,
            image_size=64,
        )
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
        text = self.text(input_ids=ids, output_hidden_states=True)
        image, again = self.image(pixels.to(self.text.dtype)).logits, self.tokens(text.hidden_states[-2])
        logits = normalize(image.float()) @ normalize(text.text_embeds.float()).T * self.scale.float().exp()
        # Captions that are the same in this batch are all right.
        alike = (ids[:, None] == ids[None]).all(-1).float()
        truth = alike / alike.sum(1, keepdim=True)
        contrast = (cross_entropy(logits, truth) + cross_entropy(logits.T, truth)) / 2
        return contrast + 0.2 * cross_entropy(again.float().flatten(0, 1), ids.flatten())


def shorten(caption: str, scene_words: tuple[str, ...]) -> str:
    """The caption without its background, so that likeness is about the thing drawn."""
    for words in scene_words:
        caption = caption.removesuffix(" " + words)
    return caption


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--steps", type=int, default=1_200)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=2e-3)
    args = parser.parse_args()
    data, tokenizer = load(args.work, args.count), make(args.work / "pipeline" / "tokenizer_2")
    scenes = (*SCENES.values(), *(f"on {c}" for c in COLOURS))

    def encode(captions: list[str]) -> Tensor:
        return tokenizer(
            captions, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt"
        ).input_ids.to(DEVICE)

    def build() -> Towers:
        return Towers(text_tower(len(tokenizer), tokenizer.eos_token_id), image_tower())

    full, short = encode(data.captions), encode([shorten(c, scenes) for c in data.captions])
    torch.manual_seed(0)
    model, rng = halve(build()), np.random.default_rng(0)
    model.text.set_attn_implementation("eager")  # the fused kernel is slow at this size
    optimizer, losses = Optimizer(model, horizon=100), []
    for step in steps(optimizer, args.work / "text_image.pt", args.steps, 100, losses):
        rows = np.sort(rng.integers(len(full), size=args.batch))
        ids = torch.where(torch.rand(args.batch, 1, device=DEVICE) < 0.6, short[rows], full[rows])
        loss = model(to_tensor(data.pixels[rows]), ids)
        loss.backward()
        optimizer.step(rate_at(step, args.steps, args.rate))
        losses.append(loss.detach())
    towers = optimizer.give_average(build().to(DEVICE))
    towers.text.save_pretrained(args.work / "pipeline" / "text_encoder_2")
    towers.image.save_pretrained(args.work / "encoders" / "clip_i")


if __name__ == "__main__":
    main()
