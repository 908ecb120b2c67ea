"""Chooses how the mini track trains: one task at a time on the validation concepts, no continual method in
sight.

For every candidate it prints which part of the gap between base model and real against real one task closes,
and how far the base model's pictures of other things drift meanwhile; beside them how alike real and real
stay when one of them goes through the autoencoder: the most that the pipeline could draw. The track takes the
gentlest candidate that closes 40 to 60 %."""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from sampling import article
from vocabulary import NOUNS, VALIDATION_OBJECTS

from cbench.inputs import TrainingInputs
from cbench.method import Memory
from cbench.methods.merge_init import MergeInit
from cbench.plugins.encoders import embed, embed_texts
from cbench.plugins.streams import open_stream
from cbench.store.store import Store
from cbench.task import Task
from cbench.track import Track, parse
from cbench.update import Update
from cbench.utils.images import load_image, read_sheet
from cbench.workbench import Workbench

TRACK = Path(__file__).parents[2] / "bench" / "tracks" / "mini.yaml"
METRICS = {"objects": "mini_dino", "styles": "mini_csd"}


def candidate(work: Path, suite: str, numbers: dict) -> Track:
    """The mini track as it trains the suite, with other numbers, on the validation concepts."""
    fields = parse(TRACK).of(suite).model_dump(mode="json")
    for name, value in numbers.items():
        part, _, field = name.rpartition(".")
        fields[part or "training"][field] = value
    fields["suites"][suite] |= {
        "options": {"path": str(work / "streams" / f"validation-{suite}" / "stream.yaml")},
        "training": {},
    }
    return Track.model_validate(fields)


def merged(bench: Workbench, update: Update, task: Task, seed: int, position: int) -> Update:
    """The model's update once it has also learned the task, with a fresh adapter."""
    inputs = TrainingInputs(update, bench.fresh(seed, position), task.examples, bench.track.training, seed)
    return MergeInit().keep(Memory(update=update), bench.train(inputs)[1], task).update


def ceiling(bench: Workbench, metric: str, task: Task) -> float:
    """Real against real: the mean cosine of two different references."""
    features = embed(bench.metric(metric), [load_image(p) for p in task.references])
    return float((features @ features.T)[~np.eye(len(features), dtype=bool)].mean())


@torch.no_grad()
def carried(bench: Workbench, metric: str, task: Task) -> float:
    """Real against real that went through the autoencoder: the mean cosine of two different references."""
    vae, real = bench.backbone.vae, [load_image(p) for p in task.references]
    pixels = torch.from_numpy(np.stack(real)).permute(0, 3, 1, 2).float() / 127.5 - 1
    again = vae.decode(vae.encode(pixels).latent_dist.mean).sample.clamp(-1, 1)
    back = [Image.fromarray(a) for a in ((again + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()]
    cosines = embed(bench.metric(metric), real) @ embed(bench.metric(metric), back).T
    return float(cosines[~np.eye(len(real), dtype=bool)].mean())


def others() -> Task:
    """Plain prompts of things that no validation task is about."""
    prompts = tuple(
        f"a photo of {article(noun)}" for noun in list(NOUNS)[::3] if noun not in VALIDATION_OBJECTS
    )
    return Task(name="others", examples=(), references=(), prompts=prompts, plain_prompts=prompts)


def alignment(bench: Workbench, sheet: Path, task: Task) -> float:
    """Mean cosine of a sheet's images to their prompts without the identifier, prompt after prompt."""
    metric = bench.metric("mini_clip_t")
    images = embed(metric, read_sheet(sheet, bench.track.backbone.resolution))
    texts = embed_texts(metric, task.plain_prompts)
    return float((images * texts.repeat(len(images) // len(texts), 0)).sum(1).mean())


def try_out(bench: Workbench, suite: str) -> dict[str, float]:
    """Means over the validation tasks of one suite, and the least share of a gap that one of them closes."""
    track, metric, rows = bench.track, METRICS[suite], []
    for task in open_stream(track, suite).tasks:
        update = merged(bench, {}, task, 0, 0)
        before, after = bench.sample({}, [task, others()]), bench.sample(update, [task, others()])
        base, learned = bench.score(metric, before[0], task)[0], bench.score(metric, after[0], task)[0]
        sheets = [
            read_sheet(stage.folder / "images.png", track.backbone.resolution)
            for stage in (before[1], after[1])
        ]
        first, second = (embed(bench.metric("mini_clip_i"), images) for images in sheets)
        top = ceiling(bench, metric, task)
        drift = 1 - float((first * second).sum(1).mean())
        aligned = [alignment(bench, e[0].folder / "images.png", task) for e in (before, after)]
        closed = (learned - base) / (top - base)
        rows.append((base, learned, top, carried(bench, metric, task), closed, drift, *aligned))
    names = ("base", "learned", "real", "carried", "closed", "drift", "base aligned", "aligned")
    means = {name: round(float(value), 3) for name, value in zip(names, np.mean(rows, 0), strict=True)}
    return means | {"least closed": round(float(np.min(rows, 0)[4]), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--grid",
        default="{}",
        help='YAML: field of `training` (or `sampling.FIELD`) -> values to try: "{steps: [50, 100]}"',
    )
    parser.add_argument("--suite", choices=METRICS, nargs="*", default=list(METRICS))
    args = parser.parse_args()
    grid = yaml.safe_load(args.grid)
    for values in itertools.product(*grid.values()):
        numbers, store = dict(zip(grid, values, strict=True)), Store(args.work / "choose")
        benches = {
            suite: Workbench(candidate(args.work, suite, numbers), store, "cpu") for suite in args.suite
        }
        print(
            json.dumps(numbers | {suite: try_out(bench, suite) for suite, bench in benches.items()}),
            flush=True,
        )


if __name__ == "__main__":
    main()
