"""What is kept: the validation concepts learned one after another by merging, the paper's plainest remedy.

For every candidate it prints, averaged over the tasks before the last: the base model's score, the score just
after the task, the score at the end, and real against real. A protocol in which nothing is kept cannot tell
methods apart; which one keeps more has no part in this."""

import argparse
import itertools
import json
from pathlib import Path

import numpy as np
import torch
import yaml
from choose import METRICS, candidate, ceiling, merged

from cbench.plugins.streams import open_stream
from cbench.store.store import Store
from cbench.workbench import Workbench


def learn_all(bench: Workbench, suite: str, seed: int) -> dict[str, float]:
    """Means over all tasks but the last."""
    metric, update = METRICS[suite], dict[str, torch.Tensor]()
    tasks = open_stream(bench.track, suite).tasks
    rotated = [*tasks[seed % len(tasks) :], *tasks[: seed % len(tasks)]]
    earlier, diagonal = rotated[:-1], []
    for position, task in enumerate(rotated):
        update = merged(bench, update, task, seed, position)
        diagonal.append(bench.score(metric, bench.sample(update, [task])[0], task)[0])
    before, after = (bench.sample(model, earlier) for model in ({}, update))
    scores = {
        "base": [bench.score(metric, images, task)[0] for images, task in zip(before, earlier, strict=True)],
        "learned": diagonal[:-1],
        "kept": [bench.score(metric, images, task)[0] for images, task in zip(after, earlier, strict=True)],
        "real": [ceiling(bench, metric, task) for task in earlier],
    }
    return {name: round(float(np.mean(values)), 3) for name, values in scores.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--grid", default="{}", help="as in choose.py")
    parser.add_argument("--suite", choices=METRICS, required=True)
    parser.add_argument(
        "--seeds", type=int, nargs="*", default=[0], help="a seed also says with which task the stream begins"
    )
    args = parser.parse_args()
    grid = yaml.safe_load(args.grid)
    for values in itertools.product(*grid.values()):
        numbers = dict(zip(grid, values, strict=True))
        bench = Workbench(candidate(args.work, args.suite, numbers), Store(args.work / "choose"), "cpu")
        for seed in args.seeds:
            print(json.dumps({"seed": seed} | numbers | learn_all(bench, args.suite, seed)), flush=True)


if __name__ == "__main__":
    main()
