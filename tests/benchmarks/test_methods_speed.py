"""What each method adds to a training step of the second task, on the mini track's UNet. One command:

    pytest -s -m slow tests/benchmarks/test_methods_speed.py

A step's seconds come from two lengths of training, so that what is around the steps does not count; beside
them, the seconds at the border of the task: the hooks, and the measurements. They are CPU seconds of one
thread, so that other work on the machine does not count."""

import time
from typing import NamedTuple

import pytest
import torch
from tabulate import tabulate

from cbench.backbone.load import open_backbone
from cbench.method import Memory
from cbench.plan import plans
from cbench.plugins.hooks import Hooks, grown
from cbench.plugins.methods import make_method
from cbench.stages.measure import measure_fisher, measure_inputs
from cbench.stages.train import Fit, Rehearsed, TrainingData, train
from cbench.training_images import encoded
from cbench.update import gaussian
from cbench.utils.files import ASSETS

METHODS = (
    *("naive", "merge_init", "replay", "dream", "distill", "l2", "ewc", "c_lora", "n_lora", "o_lora"),
    *("inflora", "ortho_adapt", "gpm"),
)
MOST = {"replay": 3.0, "dream": 3.0, "distill": 4.0}
"""Times a step of naive: a second batch, and for distillation the teacher's pass. The others: 1.6."""
SHORT, LONG, GOES, DRAWS = 1, 4, 1, 4

pytestmark = pytest.mark.slow


class Bench(NamedTuple):
    """A backbone, the plan that is learned on it, the encoded images, and a trained adapter."""

    backbone: object
    plan: object
    images: object
    adapter: dict


@pytest.fixture(scope="module")
def bench():
    torch.set_num_threads(1)
    plan = plans("mini", "styles", "merge_init", {}, None, None, False, None)[0]
    track = plan.track.of("styles")
    backbone = open_backbone(track.backbone, ASSETS, "cpu", track.training.layers)
    images = encoded(backbone, track, plan.tasks[1].examples, 0)
    settings = track.training.model_copy(update={"steps": SHORT})
    fresh = gaussian(backbone.layers(settings), settings.rank, 0)
    return Bench(backbone, plan, images, train(backbone, {}, Fit(fresh, TrainingData(images), 0, settings)))


def measured(bench, kind, model):
    """A measurement of few draws, as the stage takes it."""
    settings, seed = bench.plan.track.of("styles").training, torch.Generator().manual_seed(0)
    if kind == "fisher":
        return measure_fisher(bench.backbone, model, bench.adapter, bench.images, DRAWS, seed, "AB")
    return measure_inputs(bench.backbone, model, bench.images, DRAWS, seed, settings)


def second_task(bench, name):
    """The training of the second task as the runner prepares it, and the seconds of the hooks before it and
    after the first."""
    method = make_method(name, {})
    hooks, memory, first, second = Hooks(method), Memory(tasks=10), *bench.plan.tasks[:2]
    began = time.process_time()
    memory = hooks.keep(memory, bench.adapter, first)
    for kind in sorted({*method.gathers} - {"inputs_before"}):
        model = hooks.frozen(memory) if kind == "fisher" else hooks.model(memory, first)
        memory = hooks.gather(memory, kind, measured(bench, kind, model), bench.adapter)
    memory = grown(memory, first)
    frozen = hooks.frozen(memory)
    if "inputs_before" in method.gathers:
        taken = measured(bench, "inputs_before", frozen)
        memory = hooks.gather(memory, "inputs_before", taken, bench.adapter)
    settings = bench.plan.track.of("styles").training
    start = hooks.start(memory, gaussian(bench.backbone.layers(settings), settings.rank, 1))
    rehearsal = hooks.rehearse(memory, second, frozen)
    past = rehearsal and Rehearsed(bench.images, rehearsal.weight, rehearsal.target)
    border = time.process_time() - began
    penalty, project = hooks.penalty(memory, start), hooks.project(memory)

    def learn(steps):
        numbers = settings.model_copy(update={"steps": steps})
        data = TrainingData(bench.images, rehearsal=past)
        return train(bench.backbone, frozen, Fit(start, data, 0, numbers, method.learns, penalty, project))

    return learn, border


def seconds(work, *given):
    began = time.process_time()
    work(*given)
    return time.process_time() - began


def test_what_each_method_adds_to_a_step(bench):
    ready = {name: second_task(bench, name) for name in METHODS}
    times = {name: {SHORT: [], LONG: []} for name in METHODS}
    for _ in range(GOES):  # in turns: what else the machine does befalls all of them
        for name, (learn, _) in ready.items():
            for steps, seen in times[name].items():
                seen.append(seconds(learn, steps))
    step = {name: (min(t[LONG]) - min(t[SHORT])) / (LONG - SHORT) for name, t in times.items()}
    rows = [(name, step[name], step[name] / step["naive"], ready[name][1]) for name in METHODS]
    print(tabulate(rows, ("method", "s a step", "times naive", "s at the border"), floatfmt=".2f"))
    for name, one, ratio, _ in rows:
        assert one > 0 and ratio < MOST.get(name, 1.6), name
