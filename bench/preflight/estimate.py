"""`--dry-run`: what a run would do, and what it would cost."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cbench.backbone.device import pick
from cbench.plan import Plan
from cbench.preflight.footprint import stored_bytes
from cbench.preflight.probe import Probe, probe
from cbench.progress import clock, work_of
from cbench.results import finished
from cbench.utils.text import megabytes


def estimate(asked: Sequence[Plan], out: Path, device: str, as_json: bool) -> str:
    """The plan as text or JSON; nothing is written."""
    open_runs = [plan for plan in asked if finished(plan, out) is None]
    numbers, on = asked[0].track.of(asked[0].suite), pick(device)
    cost = probe(asked[0], on) if open_runs else Probe(0.0, 0.0, 0, "nothing is left to do")
    works = [work_of(plan) for plan in open_runs]
    trainings, cells = (sum(w[stage] for w in works) for stage in ("train", "sample"))
    steps = trainings * numbers.training.steps
    images = cells * len(asked[0].stream.tasks[0].prompts) * numbers.sampling.images_per_prompt
    told: dict[str, Any] = {
        "track": f"{numbers.name} v{numbers.version} ({asked[0].track.digest})",
        "runs": len(asked),
        "runs_done": len(asked) - len(open_runs),
        "tasks": asked[0].limit,
        "training_steps": steps,
        "images": images,
        "seconds_a_step": round(cost.step, 4),
        "seconds_an_image": round(cost.image, 4),
        "from": cost.basis,
        "expected_seconds": round(steps * cost.step + images * cost.image),
        "expected_disk_bytes": stored_bytes(numbers, images, trainings, cost.adapter),
    }
    return json.dumps(told) if as_json else _text(told, on)


def _text(told: dict[str, Any], device: str) -> str:
    """The plan for a reader. What is counted and not measured is a bound from below, whatever work runs
    share."""
    seconds, counted = told["expected_seconds"], told["from"].startswith("arithmetic")
    bound = (
        "at least, for runs that share no work"
        if counted
        else "at most (runs that share a beginning share its work)"
    )
    hours = f", {seconds / 3600:.1f} GPU-hours" if device.startswith("cuda") else ""
    lines = [
        f"{key.replace('_', ' '):<18} {value}"
        for key, value in told.items()
        if not key.startswith("expected")
    ]
    return "\n".join(
        [
            *lines,
            f"expected time      {clock(seconds)}{hours} {bound}",
            f"expected disk      {megabytes(told['expected_disk_bytes'])} at most",
        ]
    )
