"""Measures what the recipe has trained, gate by gate, and draws the grids of the model card. Skips what is
not trained yet.
"""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
from artwork import fetch, sprites
from compose import Instance, apply_style, background, dress, photograph
from diffusers import AutoencoderKL
from filters import look
from pictures import Pictures, load
from sampling import PLAIN, article, grid, open_pipeline, sample
from torch import Tensor
from torch.nn.functional import normalize
from training import to_tensor
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, ResNetForImageClassification
from vocabulary import ARTISTS, LOOKS, NOUNS, PAINTERS, RARE_TOKENS, STREAM_STYLES, VALIDATION_STYLES


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
    named = (
        embed(work, "clip_i", pixels) @ read(work, [f"a photo of {article(n)}" for n in NOUNS]).T
    ).argmax(1)
    right = np.array([list(NOUNS)[i] == noun for i, noun in zip(named.tolist(), nouns, strict=True)])
    return {noun: float(right[np.array(nouns) == noun].mean()) for noun in dict.fromkeys(nouns)}


def mean_cosine(rows: Tensor) -> float:
    """Mean cosine of two different rows."""
    return float((rows @ rows.T)[~torch.eye(len(rows), dtype=torch.bool)].mean())


def separation(groups: list[Tensor], same_kind: list[str]) -> dict[str, float]:
    """Mean cosine within groups, between groups, between groups of one kind, and the nearest pair."""
    within = [mean_cosine(g) for g in groups]
    pairs = {
        (i, j): float((groups[i] @ groups[j].T).mean())
        for i, j in itertools.combinations(range(len(groups)), 2)
    }
    results = {
        "same": float(np.mean(within)),
        "lowest same": min(within),
        "other": float(np.mean(list(pairs.values()))),
    }
    alike = [value for (i, j), value in pairs.items() if same_kind[i] == same_kind[j]]
    return (
        results
        | {"highest other": max(pairs.values())}
        | ({"same noun, other instance": float(np.mean(alike))} if alike else {})
    )


def instances(work: Path, rng: np.random.Generator) -> tuple[list[np.ndarray], list[str]]:
    """Two personal objects of every noun, by artists that no training has seen, eight views each."""
    everything, views, nouns = sprites(work / "artwork"), [], []
    for noun in NOUNS:
        artists = [a for a in ARTISTS if a not in PAINTERS and (noun, a) in everything]
        for turn, artist in enumerate(artists[:2]):
            sprite = dress(Instance(everything[noun, artist], (0.0, 0.4)[turn], ("dotted", "")[turn]))
            views.append(np.stack([photograph(sprite, background(rng)[0], rng) for _ in range(8)]))
            nouns.append(noun)
    return views, nouns


def looks_apart(work: Path, plain: np.ndarray) -> dict[str, float]:
    """Is any held-out style known already: mean cosine of each style to its word's look, and to the look that
    is most like it.
    """
    styled = [
        embed(work, "csd", np.stack([apply_style(p, s) for p in plain]))
        for s in (*STREAM_STYLES, *VALIDATION_STYLES)
    ]
    known = [
        embed(work, "csd", np.stack([apply_style(p, look(number)) for p in plain]))
        for number in range(len(LOOKS))
    ]
    cosines = np.array([[float((s @ k.T).mean()) for k in known] for s in styled])
    return {
        "own word's look": float(np.diag(cosines).mean()),
        "most alike look": float(cosines.max(1).mean()),
    }


def looks_drawn(work: Path, plain: np.ndarray) -> dict[str, float]:
    """What the pipeline makes of the words of looks: likeness of its samples to real pictures in the look,
    real to real, and the nouns.
    """
    nouns, pipeline, rows, right = list(NOUNS)[::5], open_pipeline(work), [], []
    for number, word in enumerate(LOOKS):
        pixels = sample(pipeline, [f"{word} image of {article(noun)}" for noun in nouns])
        real = embed(work, "csd", np.stack([apply_style(p, look(number)) for p in plain]))
        rows.append((float((embed(work, "csd", pixels) @ real.T).mean()), mean_cosine(real)))
        right.append(np.mean(list(noun_accuracy(work, pixels, nouns).values())))
    drawn_like, real_like = np.mean(rows, 0)
    return {
        "sample to real": float(drawn_like),
        "real to real": float(real_like),
        "noun named right": float(np.mean(right)),
    }


def named_right(
    work: Path, judge: Path, each: int = 8, **how: float
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Samples of every plain noun: the share named right by the judge's `mini_clip_i`, and the samples."""
    wanted = [noun for noun in NOUNS for _ in range(each)]
    pixels = sample(open_pipeline(work), [f"a photo of {article(noun)}" for noun in wanted], **how)
    right = noun_accuracy(judge, pixels, wanted)
    figures = {
        "named right": float(np.mean(list(right.values()))),
        "below .9": {n: r for n, r in right.items() if r < 0.9},
    }
    return figures, {noun: pixels[i * each : (i + 1) * each] for i, noun in enumerate(NOUNS)}


def diversity(judge: Path, samples: dict[str, np.ndarray], fresh: Pictures) -> dict[str, float]:
    """Mean `mini_dino` cosine of two samples of a noun, and of two real pictures that a plain caption may
    mean.
    """
    rows: list[tuple[float, float]] = []
    for noun, pixels in samples.items():
        real = [
            i
            for i, c in enumerate(fresh.captions)
            if article(noun) in c and fresh.nouns[i] == noun and not fresh.styles[i]
        ][:16]
        rows.append(
            (mean_cosine(embed(judge, "dino", pixels)), mean_cosine(embed(judge, "dino", fresh.pixels[real])))
        )
    drawn, real = np.mean(rows, 0)
    return {"samples": float(drawn), "real": float(real), "excess": float(drawn - real)}


def frechet(first: Tensor, second: Tensor) -> float:
    """Frechet distance of two sets of features, taken for normal distributions (Heusel et al. 2017)."""
    one, two = first.double().numpy(), second.double().numpy()
    spread_one, spread_two = np.cov(one.T), np.cov(two.T)
    root = np.sqrt(np.clip(np.linalg.eigvals(spread_one @ spread_two).real, 0, None)).sum()
    return float(((one.mean(0) - two.mean(0)) ** 2).sum() + np.trace(spread_one + spread_two) - 2 * root)


def distance(work: Path, judge: Path, fresh: Pictures, count: int = 768, **how: float) -> dict[str, float]:
    """Frechet distance, in the judge's `mini_clip_i` features, of samples of held-out captions to held-out
    pictures.

    Only captions that every version of the world knows: without looks and rare words. Beside it, real to
    real.
    """
    known = [
        i
        for i, c in enumerate(fresh.captions)
        if fresh.styles[i] not in LOOKS and not {*c.split()} & {*RARE_TOKENS}
    ]
    asked, others = known[:count], known[count : 2 * count]
    real = embed(judge, "clip_i", fresh.pixels[others])
    drawn = embed(
        judge, "clip_i", sample(open_pipeline(work), [fresh.captions[i] for i in asked], seed=1, **how)
    )
    return {
        "samples": frechet(drawn, real),
        "real": frechet(embed(judge, "clip_i", fresh.pixels[asked]), real),
    }


def gates(work: Path, judge: Path, pictures: Path, grids: Path) -> dict[str, object]:
    """What the base model must reach: nouns named right, diversity, distance to real pictures; each with
    guidance and without.

    `judge` holds the encoders and the text tower that belongs to them; its world may be another one.
    `pictures`
    is where the fresh pictures are kept.
    """
    fresh, results = load(pictures, 4000, seed=99), {}
    for name, how in (("guided", {}), ("plain", PLAIN)):
        figures, samples = named_right(work, judge, **how)
        grid(np.concatenate(list(samples.values())), 16, grids / f"nouns-{name}.png")
        results[name] = figures | {
            "diversity": diversity(judge, samples, fresh),
            "frechet": distance(work, judge, fresh, **how),
        }
    return results


def measure(work: Path) -> dict[str, object]:
    """Everything, as numbers to print."""
    rng, fresh = np.random.default_rng(5), load(work, 4000, seed=99)
    plain = [i for i, style in enumerate(fresh.styles) if not style]
    results: dict[str, object] = {}
    if (work / "pipeline" / "vae").exists():
        vae = AutoencoderKL.from_pretrained(work / "pipeline" / "vae").eval()
        held_out = {
            s: psnr(vae, np.stack([apply_style(fresh.pixels[i], s) for i in plain[:16]]))
            for s in (*STREAM_STYLES, *VALIDATION_STYLES)
        }
        results["autoencoder, 200 fresh pictures, dB"] = psnr(vae, fresh.pixels[:200])
        results["autoencoder, 16 pictures in each held-out style, dB"] = float(
            np.mean(list(held_out.values()))
        )
        results["autoencoder, by held-out style, dB"] = {s: round(v, 1) for s, v in held_out.items()}
    if (work / "encoders" / "clip_i").exists():
        right = noun_accuracy(work, np.asarray(fresh.pixels)[plain], [fresh.nouns[i] for i in plain])
        results[f"noun named right among {len(NOUNS)}, {len(plain)} fresh pictures"] = float(
            np.mean(list(right.values()))
        )
    if (work / "pipeline" / "text_encoder_2").exists():
        embeddings = read(work, [f"{style} image of a car" for style in STREAM_STYLES])
        results["pooled text of the stream's styles, mean cosine"] = mean_cosine(embeddings)
    objects, nouns = instances(work, rng)
    styles = (*STREAM_STYLES, *VALIDATION_STYLES)
    styled = [np.stack([apply_style(fresh.pixels[i], s) for i in rng.choice(plain, 16)]) for s in styles]
    for encoder, views, kinds in (
        ("clip_i", objects, nouns),
        ("dino", objects, nouns),
        ("csd", styled, list(styles)),
    ):
        if (work / "encoders" / encoder).exists():
            what = "styles" if views is styled else "objects"
            results[f"{encoder}, unseen {what}"] = separation([embed(work, encoder, s) for s in views], kinds)
    if (work / "pipeline" / "unet").exists():
        results["looks, drawn by the pipeline"] = looks_drawn(work, np.asarray(fresh.pixels)[plain[:16]])
    if (work / "encoders" / "csd").exists():
        results["looks against held-out styles"] = looks_apart(work, np.asarray(fresh.pixels)[plain[:16]])
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--gates", action="store_true", help="the gates of the base model only")
    parser.add_argument("--pipeline", type=Path, help="with --gates: the folder above another `pipeline`")
    parser.add_argument(
        "--judge", type=Path, help="with --gates: the folder above other `encoders` and their `pipeline`"
    )
    args = parser.parse_args()
    fetch(args.work / "artwork")
    if args.gates:
        where = args.pipeline or args.work
        results = gates(where, args.judge or args.work, args.work, args.work / "grids" / where.name)
    else:
        results = measure(args.work)
    print(json.dumps(results, indent=1, default=float))
