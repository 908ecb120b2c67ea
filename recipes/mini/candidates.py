"""Measures what might become a task of the streams, before anything is trained on it.

A style must survive the autoencoder, leave the content visible and look like no look that pre-training knows.
A personal object must be unlike what the base model draws of its noun. One line of JSON for each."""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from artwork import fetch, sprites
from compose import Instance, Sprites, apply_style, dress
from diffusers import AutoencoderKL
from filters import CANDIDATES, look
from measure import embed, mean_cosine, psnr, read
from pictures import Pictures, load
from sampling import article, open_pipeline, sample
from streams import OBJECT_PROMPTS, STYLE_PROMPTS, object_views
from vocabulary import ARTISTS, LOOKS, NOUNS, PAINTERS, RARE_TOKENS

Line = dict[str, object]
HUES, PATTERNS = (0.0, 0.33, 0.5, 0.67), ("", "striped", "dotted")


def plain_pictures(fresh: Pictures, count: int) -> list[int]:
    """Pictures that pre-training has not seen, without a style."""
    return [i for i, style in enumerate(fresh.styles) if not style][:count]


def styles(work: Path, count: int = 24) -> list[Line]:
    """For every candidate: dB through the autoencoder; alignment with "image of a NOUN" as a share of the
    plain picture's; mean `mini_csd` cosine among its own pictures (the ceiling), of the base model's pictures
    when asked for the style (the floor), of plain pictures, of the look and of the candidate most alike."""
    fresh = load(work, 4000, seed=99)
    rows = plain_pictures(fresh, count)
    plain, texts = fresh.pixels[rows], read(work, [f"image of {article(fresh.nouns[i])}" for i in rows])
    vae = AutoencoderKL.from_pretrained(work / "pipeline" / "vae").eval()

    def aligned(pixels: np.ndarray) -> float:
        return float((embed(work, "clip_i", pixels) * texts).sum(1).mean())

    def drawn(style) -> np.ndarray:  # type: ignore[no-untyped-def]
        return np.stack([apply_style(pixels, style) for pixels in plain])

    styled = {name: drawn(style) for name, style in CANDIDATES.items()}
    features = {name: embed(work, "csd", pixels) for name, pixels in styled.items()}
    known = torch.stack([embed(work, "csd", drawn(look(n))).mean(0) for n in range(len(LOOKS))])
    pipeline = open_pipeline(work)
    unstyled, whole, lines = embed(work, "csd", plain), aligned(plain), list[Line]()
    for name, own in features.items():
        cosines = {n: float((own @ f.T).mean()) for n, f in features.items() if n != name}
        prompts = [f"{name} image of {article(noun)}" for noun in STYLE_PROMPTS for _ in range(4)]
        drawn_by_base = embed(work, "csd", sample(pipeline, prompts))
        nearest = max(cosines, key=cosines.__getitem__)
        lines.append(
            {
                "style": name,
                "dB": psnr(vae, styled[name]),
                "alignment": aligned(styled[name]) / whole,
                "same": mean_cosine(own),
                "base": float((drawn_by_base @ own.T).mean()),
                "plain": float((own @ unstyled.T).mean()),
                "look": float((own @ known.T).mean(0).max()),
                "nearest": cosines[nearest],
                "nearest style": nearest,
            }
        )
    return lines


def objects(work: Path, everything: Sprites, images: int = 4) -> list[Line]:
    """For every noun, unseen artist, hue and pattern: mean `mini_dino` cosine of the base model's pictures to
    the references (what a run begins with), and among the references (its ceiling)."""
    pipeline, lines = open_pipeline(work), list[Line]()
    for noun in NOUNS:
        artists = [a for a in ARTISTS if a not in PAINTERS and (noun, a) in everything]
        prompts = [f"a photo of a {RARE_TOKENS[0]} {noun} {where}" for where in OBJECT_PROMPTS] * images
        base = embed(work, "dino", sample(pipeline, prompts))
        for artist, hue, pattern in itertools.product(artists, HUES, PATTERNS):
            sprite = dress(Instance(everything[noun, artist], hue, pattern))
            views = np.stack(object_views(sprite, np.random.default_rng(11)))
            references = embed(work, "dino", views)
            lines.append(
                {
                    "object": noun,
                    "artist": artist,
                    "hue": hue,
                    "pattern": pattern,
                    "base": float((base @ references.T).mean()),
                    "real": mean_cosine(references),
                }
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--what", choices=("styles", "objects"), required=True)
    args = parser.parse_args()
    fetch(args.work / "artwork")
    lines = styles(args.work) if args.what == "styles" else objects(args.work, sprites(args.work / "artwork"))
    for line in lines:
        print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in line.items()}))


if __name__ == "__main__":
    main()
