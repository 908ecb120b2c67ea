"""`--dry-run`: what a run would do, and what it would cost, from a short measured probe on this device."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cbench.device import pick
from cbench.finished import finished
from cbench.plan import Plan
from cbench.progress import clock, work_of
from cbench.store import Store
from cbench.update import gaussian
from cbench.workbench import Workbench


def estimate(asked: Sequence[Plan], out: Path, device: str, as_json: bool) -> str:
    """The plan as text or JSON; nothing is written."""
    open_runs = [plan for plan in asked if finished(plan, out) is None]
    numbers = asked[0].track.of(asked[0].suite)
    step, image = probe(asked[0], pick(device)) if open_runs else (0.0, 0.0)
    works = [work_of(plan) for plan in open_runs]
    prompts = len(asked[0].stream.tasks[0].prompts)
    steps = sum(w["train"] for w in works) * numbers.training.steps
    images = sum(w["sample"] for w in works) * prompts * numbers.sampling.images_per_prompt
    told: dict[str, Any] = {
        "track": f"{numbers.name} v{numbers.version} ({asked[0].track.digest})",
        "runs": len(asked),
        "runs_done": len(asked) - len(open_runs),
        "tasks": asked[0].limit,
        "training_steps": steps,
        "images": images,
        "seconds_a_step": round(step, 4),
        "seconds_an_image": round(image, 4),
        "expected_seconds": round(steps * step + images * image),
        "expected_disk_bytes": images * numbers.backbone.resolution**2 * 3,
    }
    if as_json:
        return json.dumps(told)
    time_line = f"expected time      {clock(told['expected_seconds'])} at most (runs that share a beginning share its work)"
    lines = [f"{key.replace('_', ' '):<18} {value}" for key, value in told.items() if not key.startswith("expected")]
    return "\n".join([*lines, time_line, f"expected disk      {told['expected_disk_bytes'] / 1e6:.0f} MB at most"])


def probe(plan: Plan, device: str) -> tuple[float, float]:
    """Seconds of one training step and of one image, measured on a few of each."""
    from cbench.stages.sample import sample
    from cbench.stages.train import show, train

    numbers, task = plan.track, plan.stream.tasks[0]
    bench = Workbench(numbers, Store(Path()), device, lambda stage, count, seconds: None)
    backbone, few = bench.backbone, numbers.training.model_copy(update={"steps": 3})
    shown = show(backbone, bench.open_images([e.image for e in task.examples]), [e.prompt for e in task.examples])
    start = gaussian(backbone.layers(few), few.rank, 0)
    prior = shown if few.prior else None
    took = []
    for steps in (1, 4):
        began = time.perf_counter()
        train(backbone, {}, start, shown, prior, 0, few.model_copy(update={"steps": steps}), lambda live: None)
        took.append(time.perf_counter() - began)
    sample(backbone, {}, task.prompts[:1], numbers.sampling.model_copy(update={"steps": 1}))
    began = time.perf_counter()
    images = sample(backbone, {}, task.prompts, numbers.sampling)
    return max(took[1] - took[0], 0.0) / 3, (time.perf_counter() - began) / len(images)
