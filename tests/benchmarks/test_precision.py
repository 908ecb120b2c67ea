"""What bf16 does to a cell's scores, and which way of putting an update into the model is exact enough. One
command:

    pytest -s -m slow tests/benchmarks/test_precision.py

One concept of the mini track is learned in fp32, then drawn from the same noise in fp32 and in bf16: the
update folded as cbench does (summed in fp32, then rounded), added to weights that are rounded already, and
side by side with them as a LoRA. At last it is learned in bf16 too, as `sdxl` learns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tabulate import tabulate

from cbench.backbone.backbone import Backbone
from cbench.backbone.load import open_backbone
from cbench.method import Memory
from cbench.plan import Plan, plans
from cbench.plugins.encoders import embed
from cbench.posthoc.export import low_rank
from cbench.posthoc.lora_names import base_of, named
from cbench.stages.sample import sample
from cbench.stages.score import score
from cbench.store.store import Store
from cbench.track import Track
from cbench.update import Update
from cbench.utils.files import ASSETS
from cbench.workbench import Workbench

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
BOUND = 0.005
"""The largest shift of a cell's score that drawing in bf16 may cause."""


def halved(track: Track) -> Track:
    """The track in bf16."""
    return track.model_copy(
        update={"backbone": track.backbone.model_copy(update={"dtype": "bfloat16", "digest": None})}
    )


def opened(track: Track, exact: bool = True) -> Backbone:
    """The track's pipeline; without `exact` it forgets what its weights were before they were rounded."""
    backbone = open_backbone(track.backbone, ASSETS, DEVICE, track.training.layers)
    return backbone if exact else Backbone(backbone.family)


def learned(plan: Plan, track: Track, place: Path) -> Update:
    """The update after the run's first task."""
    bench = Workbench(track, Store(place), DEVICE)
    _, adapter = bench.train(plan.method, Memory(), plan.tasks[0], plan.seed, 0)
    return plan.method.keep(Memory(), adapter, plan.tasks[0]).update


def beside(track: Track, update: Update, prompts: tuple[str, ...]) -> np.ndarray:
    """Images with the update as a LoRA beside the weights, as another program draws them from an exported
    file."""
    backbone = opened(track, exact=False)
    adapter = low_rank(update, track.training.rank).adapter
    backbone.pipeline.load_lora_weights(named(adapter, "diffusers", base_of(track.backbone)))
    return sample(backbone, {}, prompts, track.sampling)


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["objects", "styles"])
def test_shift_of_scores(suite: str, tmp_path: Path) -> None:
    plan = plans("mini", suite, "merge_init", {}, None, None, False, 1)[0]
    full, task = plan.track.of(suite), plan.tasks[0]
    half, update = halved(full), learned(plan, full, tmp_path / "full")
    ways = {
        "fp32": sample(opened(full), update, task.prompts, full.sampling),
        "fp32, LoRA beside": beside(full, update, task.prompts),
        "fp32, base model": sample(opened(full), {}, task.prompts, full.sampling),
        "bf16, base model": sample(opened(half), {}, task.prompts, half.sampling),
        "bf16, folded in fp32 (cbench)": sample(opened(half), update, task.prompts, half.sampling),
        "bf16, added to rounded weights": sample(
            opened(half, exact=False), update, task.prompts, half.sampling
        ),
        "bf16, LoRA beside": beside(half, update, task.prompts),
        "bf16, learned so too": sample(
            opened(half), learned(plan, half, tmp_path / "half"), task.prompts, half.sampling
        ),
    }
    bench = Workbench(full, Store(tmp_path / "full"), DEVICE)
    references = bench.open_images(list(task.references))
    rows, found = [], {}
    for way, images in ways.items():
        against = ways["fp32, base model" if "base" in way else "fp32"]
        apart = np.abs(images.astype(float) - against).mean()
        for name in plan.metrics:
            metric = bench.metric(name)
            found[way, name] = float(
                np.mean(score(embed(metric, list(map(Image.fromarray, images))), embed(metric, references)))
            )
        own = [found[way, name] for name in plan.metrics]
        shift = [
            found[way, name] - found["fp32, base model" if "base" in way else "fp32", name]
            for name in plan.metrics
        ]
        rows.append([way, apart, *(cell for pair in zip(own, shift, strict=True) for cell in pair)])
    titles = [
        "drawn",
        "pixels apart (of 255)",
        *(title for name in plan.metrics for title in (name, "shift")),
    ]
    print(f"\n{suite}, {task.name}, {DEVICE}\n" + tabulate(rows, titles, "github", floatfmt=".4f"))
    assert all(
        abs(found["bf16, folded in fp32 (cbench)", name] - found["fp32", name]) < BOUND
        for name in plan.metrics
    )
