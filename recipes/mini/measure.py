"""Measures what the recipe has trained, gate by gate, and draws the grids of the model card. Skips what is not trained yet."""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from artwork import fetch, sprites
from compose import Instance, apply_style, background, dress, looks, photograph
from diffusers import AutoencoderKL
from pictures import load
from sampling import article, grid, open_pipeline, sample
from torch import Tensor
from torch.nn.functional import normalize
from training import to_tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, ResNetForImageClassification
from vocabulary import ARTISTS, LOOKS, NOUNS, PAINTERS, STREAM_STYLES, VALIDATION_STYLES


@torch.no_grad()
def psnr(vae: AutoencoderKL, pixels: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio of the reconstructions, in dB."""
    images = to_tensor(pixels)
    again = vae.decode(vae.encode(images).latent_dist.mean).sample.clamp(-1, 1)
    return float((-10 * ((again - images) / 2).square().mean((1, 2, 3)).log10()).mean())


@torch.no_grad()
def embed(work: Path, encoder: str, pixels: np.ndarray) -> Tensor:
    """Unit embeddings of pictures."""
    tower = ResNetForImageClassification.from_pretrained(work / "encoders" / encoder).eval()
    return normalize(torch.cat([tower(part.cpu()).logits for part in to_tensor(pixels).split(256)]))


@torch.no_grad()
def read(work: Path, captions: list[str]) -> Tensor:
    """Unit pooled embeddings of captions."""
    tokenizer = CLIPTokenizer.from_pretrained(work / "pipeline" / "tokenizer_2")
    text = CLIPTextModelWithProjection.from_pretrained(work / "pipeline" / "text_encoder_2").eval()
    ids = tokenizer(captions, padding="max_length", return_tensors="pt").input_ids
    return normalize(text(input_ids=ids).text_embeds)


def noun_accuracy(work: Path, pixels: np.ndarray, nouns: list[str]) -> dict[str, float]:
    """By noun, the share of pictures whose nearest `a photo of a NOUN` names their noun."""
    named = (embed(work, "clip_i", pixels) @ read(work, [f"a photo of {article(n)}" for n in NOUNS]).T).argmax(1)
    right = np.array([list(NOUNS)[i] == noun for i, noun in zip(named.tolist(), nouns, strict=True)])
    return {noun: float(right[np.array(nouns) == noun].mean()) for noun in dict.fromkeys(nouns)}


def mean_cosine(rows: Tensor) -> float:
    """Mean cosine of two different rows."""
    return float((rows @ rows.T)[~torch.eye(len(rows), dtype=torch.bool)].mean())


def separation(groups: list[Tensor], same_kind: list[str]) -> dict[str, float]:
    """Mean cosine within groups, between groups, between groups of one kind, and the likest pair of groups."""
    within = [mean_cosine(g) for g in groups]
    pairs = {(i, j): float((groups[i] @ groups[j].T).mean()) for i, j in itertools.combinations(range(len(groups)), 2)}
    found = {"same": float(np.mean(within)), "lowest same": min(within), "other": float(np.mean(list(pairs.values())))}
    alike = [value for (i, j), value in pairs.items() if same_kind[i] == same_kind[j]]
    return found | {"highest other": max(pairs.values())} | ({"same noun, other instance": float(np.mean(alike))} if alike else {})


def instances(work: Path, rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """Two personal objects of every noun, by artists that no training has seen, eight photographs each."""
    everything, shown, nouns = sprites(work / "artwork"), [], []
    for noun in NOUNS:
        artists = [a for a in ARTISTS if a not in PAINTERS and (noun, a) in everything]
        for turn, artist in enumerate(artists[:2]):
            sprite = dress(Instance(everything[noun, artist], (0.0, 0.4)[turn], ("dotted", "")[turn]))
            shown.append(np.stack([photograph(sprite, background(rng)[0], rng) for _ in range(8)]))
            nouns.append(noun)
    return shown, nouns


def looks_apart(work: Path, plain: np.ndarray) -> dict[str, float]:
    """Is any held-out style known already: mean cosine of each style to its word's look, and to the look that is most like it."""
    styled = [embed(work, "csd", np.stack([apply_style(p, s) for p in plain])) for s in (*STREAM_STYLES, *VALIDATION_STYLES)]
    known = [embed(work, "csd", np.stack([apply_style(p, looks(number)) for p in plain])) for number in range(len(LOOKS))]
    cosines = np.array([[float((s @ k.T).mean()) for k in known] for s in styled])
    return {"own word's look": float(np.diag(cosines).mean()), "most alike look": float(cosines.max(1).mean())}


def looks_drawn(work: Path, plain: np.ndarray) -> dict[str, float]:
    """What the pipeline makes of the words of looks: likeness of its samples to real pictures in the look, real to real, and the nouns."""
    nouns, pipeline, rows, right = list(NOUNS)[::5], open_pipeline(work), [], []
    for number, word in enumerate(LOOKS):
        pixels = sample(pipeline, [f"{word} image of {article(noun)}" for noun in nouns])
        real = embed(work, "csd", np.stack([apply_style(p, looks(number)) for p in plain]))
        rows.append((float((embed(work, "csd", pixels) @ real.T).mean()), mean_cosine(real)))
        right.append(np.mean(list(noun_accuracy(work, pixels, nouns).values())))
    drawn_like, real_like = np.mean(rows, 0)
    return {"sample to real": float(drawn_like), "real to real": float(real_like), "noun named right": float(np.mean(right))}


def measure(work: Path) -> dict[str, object]:
    """Everything, as numbers to print."""
    rng, fresh = np.random.default_rng(5), load(work, 2000, seed=99)
    plain = [i for i, style in enumerate(fresh.styles) if not style]
    found: dict[str, object] = {}
    if (work / "pipeline" / "vae").exists():
        vae = AutoencoderKL.from_pretrained(work / "pipeline" / "vae").eval()
        held_out = [apply_style(fresh.pixels[i], style) for i, style in enumerate((*STREAM_STYLES, *VALIDATION_STYLES) * 4)]
        found["autoencoder, 200 fresh pictures, dB"] = psnr(vae, fresh.pixels[:200])
        found["autoencoder, 56 pictures in held-out styles, dB"] = psnr(vae, np.stack(held_out))
    if (work / "encoders" / "clip_i").exists():
        right = noun_accuracy(work, np.asarray(fresh.pixels)[plain], [fresh.nouns[i] for i in plain])
        found[f"noun named right among {len(NOUNS)}, {len(plain)} fresh pictures"] = float(np.mean(list(right.values())))
    if (work / "pipeline" / "text_encoder_2").exists():
        told = read(work, [f"{style} image of a car" for style in STREAM_STYLES])
        found["pooled text of the stream's styles, mean cosine"] = mean_cosine(told)
    objects, nouns = instances(work, rng)
    styles = (*STREAM_STYLES, *VALIDATION_STYLES)
    styled = [np.stack([apply_style(fresh.pixels[i], s) for i in rng.choice(plain, 16)]) for s in styles]
    for encoder, shown, kinds in (("clip_i", objects, nouns), ("dino", objects, nouns), ("csd", styled, list(styles))):
        if (work / "encoders" / encoder).exists():
            what = "styles" if shown is styled else "objects"
            found[f"{encoder}, unseen {what}"] = separation([embed(work, encoder, s) for s in shown], kinds)
    if (work / "pipeline" / "unet").exists():
        wanted = [noun for noun in NOUNS for _ in range(8)]
        pixels = sample(open_pipeline(work), [f"a photo of {article(noun)}" for noun in wanted])
        grid(pixels, 16, work / "grids" / "nouns.png")
        right = noun_accuracy(work, pixels, wanted)
        found[f"noun named right among {len(NOUNS)}, {len(wanted)} samples"] = float(np.mean(list(right.values())))
        found["nouns below 0.85"] = {n: r for n, r in right.items() if r < 0.85}
        found["looks, drawn by the pipeline"] = looks_drawn(work, np.asarray(fresh.pixels)[plain[:16]])
    if (work / "encoders" / "csd").exists():
        found["looks against held-out styles"] = looks_apart(work, np.asarray(fresh.pixels)[plain[:16]])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    fetch(args.work / "artwork")
    print(json.dumps(measure(args.work), indent=1, default=float))
