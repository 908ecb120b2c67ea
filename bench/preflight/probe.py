"""What a training step and an image cost on this device: measured on a few of each, or by arithmetic if the
weights are not here."""

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cbench.entries import packed_once
from cbench.method import Kind
from cbench.plan import Plan
from cbench.preflight.flops import Work, flop, known, rate
from cbench.resources.locate import find, parts
from cbench.store.store import Store
from cbench.update import Adapter, flat, generator, nbytes
from cbench.utils.files import ASSETS
from cbench.workbench import Workbench

if TYPE_CHECKING:
    from cbench.backbone.backbone import Backbone
    from cbench.stages.train import EncodedImages


class Probe(NamedTuple):
    """Costs of the smallest parts of a run."""

    step: float
    """Seconds of a training step."""
    image: float
    """Seconds of an image."""
    adapter: int
    """Bytes of a stored adapter."""
    measured: Mapping[Kind, int]
    """Bytes of a task's stored measurement of each kind asked for."""
    basis: str
    """Where the seconds come from."""


def probe(plan: Plan, device: str, kinds: Collection[Kind] = ()) -> Probe:
    """The costs of a plan's track, and the bytes of these kinds of measurements.

    Measured with the track's own weights; without them the arithmetic of a known backbone. BadInput if
    neither is to be had."""
    spec = plan.track.backbone
    work = known(spec)
    if work and any(find(wanted, ASSETS) is None for wanted in parts(spec)):
        return counted(plan, work, device, kinds)
    return measured(plan, device, kinds)


def counted(plan: Plan, work: Work, device: str, kinds: Collection[Kind]) -> Probe:
    """The least that is possible: arithmetic at the rate of this device."""
    speed = rate(device, plan.track.backbone.dtype)
    step, image = (amount / speed for amount in flop(work, plan.track))
    adapter = 4 * work.per_rank * plan.track.training.rank
    sizes: dict[Kind, int] = {
        "fisher": adapter,
        "inputs_before": 4 * work.moments,
        "inputs_after": 4 * work.moments,
    }
    return Probe(
        step,
        image,
        adapter,
        {kind: sizes[kind] for kind in kinds},
        f"arithmetic alone at this device's {speed / 1e12:.3g} TFLOP/s; the weights are not here to measure",
    )


def measured(plan: Plan, device: str, kinds: Collection[Kind]) -> Probe:
    """A few training steps and one batch of images, timed at two lengths each after a first go that is
    not."""
    from cbench.stages.sample import sample
    from cbench.stages.train import Fit, TrainingData, encode_images, train

    track, task = plan.track.of(plan.suite), plan.stream.tasks[0]
    training, sampling = track.training, track.sampling
    bench = Workbench(track, Store(Path()), device)
    images = bench.open_images(e.image for e in task.examples)
    encoded = encode_images(bench.backbone, images, [e.prompt for e in task.examples])
    data = TrainingData(encoded, encoded if training.prior else None)
    start = bench.fresh(0, 0)
    each = min(sampling.images_per_prompt, sampling.batch)
    prompts = task.prompts[: max(1, sampling.batch // each)]

    def learn(steps: int) -> None:
        train(bench.backbone, {}, Fit(start, data, 0, training.model_copy(update={"steps": steps})))

    def draw(steps: int) -> None:
        settings = sampling.model_copy(update={"steps": steps, "images_per_prompt": each})
        sample(bench.backbone, {}, prompts, settings)

    step, _ = line(learn, 2, 6)
    more, once = line(draw, 1, 3)
    image = (once + (sampling.steps - 1) * more) / (each * len(prompts))
    measured = {kind: _measured_bytes(bench.backbone, kind, encoded, start, plan) for kind in kinds}
    return Probe(step, image, nbytes(flat(start)), measured, "a few steps and images on this device")


def _measured_bytes(
    backbone: "Backbone", kind: Kind, images: "EncodedImages", adapter: Adapter, plan: Plan
) -> int:
    """Bytes of a stored measurement, taken with a single draw."""
    from cbench.stages.measure import measure_fisher, measure_inputs

    draws, training = generator(0), plan.track.of(plan.suite).training
    if kind == "fisher":
        learns = plan.method.learns
        fisher = measure_fisher(backbone, {}, adapter, images, 1, draws, learns, training)
        return len(packed_once(fisher))
    return len(packed_once(measure_inputs(backbone, {}, images, 1, draws, training)))


def line(work: Callable[[int], None], few: int, many: int) -> tuple[float, float]:
    """Seconds per step, and of a few steps with their set-up. Both are above zero, however uneven the machine
    is."""
    work(few)  # the first time loads and tunes
    short, long = (_took(work, steps) for steps in (few, many))
    apart = (long - short) / (many - few)
    return apart if apart > 0 else long / many, short


def _took(work: Callable[[int], None], steps: int) -> float:
    began = time.perf_counter()
    work(steps)
    return time.perf_counter() - began
