"""`--dry-run`: what a run would do, and what it would cost."""

import json
from collections.abc import Sequence
from typing import Any

from cbench.backbone.device import pick
from cbench.plan import Plan
from cbench.preflight.flops import known, min_gpu_memory
from cbench.preflight.footprint import min_memory, stored_bytes
from cbench.preflight.probe import Probe, probe
from cbench.progress import clock
from cbench.results import Results
from cbench.stages.optimizer import fallback, fallback_line
from cbench.utils.text import megabytes
from cbench.workload import lessons_of, workload


def estimate(asked: Sequence[Plan], results: Results, device: str, as_json: bool) -> str:
    """The plan as text or JSON; nothing is written."""
    left, on = [plan for plan in asked if results.finished(plan) is None], pick(device)
    track = asked[0].track.of(asked[0].suite)
    work = known(track.backbone)
    cost = probe(asked[0], on) if left else Probe(0.0, 0.0, 0, 0, "nothing is left to do")
    steps, passes = _training(left, track.training.steps)
    images = _images(left, track.sampling.images_per_prompt)
    measured = sum(len(workload(plan).get("measure", ())) * plan.method.draws for plan in left)
    trainings = sum(plan.limit for plan in left if plan.method.trains)
    plan: dict[str, Any] = {
        "track": f"{track.name} v{track.version} ({asked[0].track.digest})",
        "runs": len(asked),
        "runs_done": len(asked) - len(left),
        "tasks": asked[0].limit,
        **({"optimizer": fallback_line(track.training, on)} if fallback(track.training, on) else {}),
        "training_steps": steps,
        "images": images,
        **({"measured_draws": measured} if measured else {}),
        "seconds_a_step": round(cost.step, 4),
        "seconds_an_image": round(cost.image, 4),
        "from": cost.basis,
        "expected_seconds": round(
            (passes + measured / track.training.batch) * cost.step + images * cost.image
        ),
        "expected_disk_bytes": stored_bytes(track, images, trainings, cost.adapter, cost.measured),
        "expected_memory_bytes": min_memory(track),
        **({"expected_gpu_bytes": min_gpu_memory(work, track)} if work else {}),
    }
    return json.dumps(plan) if as_json else _text(plan, on)


def _training(plans: Sequence[Plan], steps: int) -> tuple[int, int]:
    """The steps of all trainings, and their forward passes; a measured batch costs about a step."""
    works = [
        (max(1, round(steps * work.budget.steps)), work.batches)
        for plan in plans
        if plan.method.trains
        for work in lessons_of(plan)
    ]
    return sum(count for count, _ in works), sum(count * batches for count, batches in works)


def _images(plans: Sequence[Plan], images_per_prompt: int) -> int:
    """The images of all cells, and those that are sampled to rehearse."""
    works = [(plan, workload(plan)) for plan in plans]
    return sum(
        len(work["sample"]) * len(plan.stream.tasks[0].prompts) * images_per_prompt
        + len(work.get("dream", ()))
        for plan, work in works
    )


def _memory(plan: dict[str, Any]) -> str:
    """What the weights take in the computer, and training on a GPU beside its activations."""
    gpu = plan.get("expected_gpu_bytes")
    on_gpu = f", {megabytes(gpu)} on a GPU and the activations" if gpu else ""
    return f"at least {megabytes(plan['expected_memory_bytes'])} for the weights{on_gpu}"


def _text(plan: dict[str, Any], device: str) -> str:
    """The plan for a reader. What is counted and not measured is a bound from below, whatever work runs
    share."""
    seconds, counted = plan["expected_seconds"], plan["from"].startswith("arithmetic")
    bound = (
        "at least, for runs that share no work"
        if counted
        else "at most (runs that share a beginning share its work)"
    )
    hours = f", {seconds / 3600:.1f} GPU-hours" if device.startswith("cuda") else ""
    lines = [
        f"{key.replace('_', ' '):<18} {value}"
        for key, value in plan.items()
        if not key.startswith("expected")
    ]
    return "\n".join(
        [
            *lines,
            f"expected time      {clock(seconds)}{hours} {bound}",
            f"expected disk      {megabytes(plan['expected_disk_bytes'])} at most",
            f"expected memory    {_memory(plan)}",
        ]
    )
