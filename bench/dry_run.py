"""A run on paper: the runner on a workbench that makes nothing and notes the keys that it is asked for.

Two runs that ask for one key share the work behind it. In place of a trained adapter the method is handed one
that follows from the key, so that equal trainings give equal models here too: which runs share what is known
before anything is trained."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from cbench.entries import Entry
from cbench.errors import BadInput
from cbench.inputs import MeasuringInputs, TrainingInputs
from cbench.method import Kind, Memory
from cbench.plan import Plan
from cbench.plugins.hooks import Hooks
from cbench.results import run_name
from cbench.run_state import RunState
from cbench.runner import Lesson, evaluate, learn
from cbench.store.store import Store
from cbench.track import Sampling, Track
from cbench.update import Adapter, Factors, Update, flat, gaussian, generator
from cbench.workbench import Workbench

Stage = Literal["train", "measure", "dream", "sample"]
RANK = 2
"""Rank of the stand-in adapters; `ortho_init` needs two rows."""


LAYERS = 3
"""How many of the track's kinds of layers there are: to_q, to_k, to_v in most."""


class Item(NamedTuple):
    """One result that a run needs."""

    stage: Stage
    task: int
    """After how many learned tasks it is there; 0 for the base model's images."""
    steps: int = 0
    """Optimizer steps of a training."""
    cost: int = 0
    """Forward passes of a training, draws of a measurement, images."""
    kind: Kind | None = None
    """Of a measurement."""


class Work(NamedTuple):
    """What a run needs."""

    items: Mapping[str, Item]
    """By key: work of one key is done once, whichever runs need it."""
    exact: bool = True
    """Whether the method could be asked for all its tasks; otherwise no work is known to be shared from the
    task on at which it could not."""

    def of(self, stage: Stage) -> list[Item]:
        """The results of one stage."""
        return [item for item in self.items.values() if item.stage == stage]

    def shared_trainings(self, other: "Work") -> int:
        """How many trainings two runs share."""
        return sum(self.items[key].stage == "train" for key in self.items.keys() & other.items.keys())

    def shared(self, other: "Work") -> int:
        """How many results two runs share."""
        return len(self.items.keys() & other.items.keys())


def together(works: Iterable[Work]) -> Work:
    """The work of several runs, with what they share once."""
    items, exact = dict[str, Item](), True
    for work in works:
        items.update(work.items)
        exact = exact and work.exact
    return Work(items, exact)


class PaperBench(Workbench):
    """A workbench without backbone, encoders and store: the keys are real but for the weights' identity."""

    def __init__(self, track: Track, tasks: int) -> None:
        super().__init__(track, Store(Path()), "cpu")
        self.backbone_digest = "on paper"
        self.items: dict[str, Item] = {}
        self.task = 0
        width = RANK * (tasks + 2)  # room for a subspace of each task
        block = f"blocks.0.{track.training.inside[0] or 'attn2'}"
        self.shapes = {f"{block}.{layer}": (width, width) for layer in track.training.layers[:LAYERS]}

    def fresh(self, seed: int, position: int) -> Adapter:
        """The fresh adapter of the small layers."""
        draw = position if self.track.training.fresh == "each" else 0
        return gaussian(self.shapes, RANK, seed * 1000 + draw)

    def train(self, inputs: TrainingInputs) -> tuple[Entry, Adapter]:
        """An adapter that follows from the training's key."""
        key, steps = self._train_key(inputs), inputs.settings.steps
        batches = 1 if inputs.rehearsal is None else 3 if inputs.rehearsal.target == "model" else 2
        entry = self._note(key, Item("train", self.task, steps, steps * batches))
        draws = generator(key)
        return entry, {
            name: Factors(
                f.A if inputs.learns == "B" else f.A + _normal(f.A, draws), f.B + _normal(f.B, draws)
            )
            for name, f in inputs.start.items()
        }

    def measure(self, inputs: MeasuringInputs) -> tuple[Entry, Mapping[str, Tensor]]:
        """Tensors that follow from the measurement's key."""
        key = self._measure_key(inputs)
        entry, draws = (
            self._note(key, Item("measure", self.task, cost=inputs.draws, kind=inputs.kind)),
            generator(key),
        )
        if inputs.adapter is not None:
            return entry, {name: _normal(t, draws) ** 2 for name, t in flat(inputs.adapter).items()}
        features = {name: torch.randn(64, width, generator=draws) for name, (_, width) in self.shapes.items()}
        return entry, {name: x.T @ x / len(x) for name, x in features.items()}

    def _sampled(
        self, update: Update, digest: str, prompts: Sequence[str], settings: Sampling, folding: ExitStack
    ) -> Entry:
        stage: Stage = "sample" if settings.noise_seed == self.track.sampling.noise_seed else "dream"
        cost = len(prompts) * settings.images_per_prompt
        return self._note(self._sample_key(digest, prompts, settings), Item(stage, self.task, cost=cost))

    def _note(self, key: str, item: Item) -> Entry:
        self.items.setdefault(key, item)
        return Entry(key, Path(), 0.0)


def _normal(like: Tensor, draws: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=draws)


def work_of(plan: Plan) -> Work:
    """What a run needs, keys included. If the method cannot be asked with the stand-ins, the rest is assumed
    to be plain and shared with no other run."""
    bench = PaperBench(plan.track.of(plan.suite), len(plan.tasks))
    try:
        _learn_all(plan, bench)
    except BadInput:
        asked = {key: item for key, item in bench.items.items() if item.task < bench.task}
        return Work(asked | _plain(plan, bench), exact=False)
    return Work(bench.items)


def _learn_all(plan: Plan, bench: PaperBench) -> None:
    """The loop of `runner.run`, without scores and record."""
    hooks, tasks = Hooks(plan.method, plan.evaluation_prompts), plan.tasks[: plan.limit]
    base = evaluate(bench, [({}, tasks)], ())
    state = RunState(plan, bench.device, bench.backbone_digest, {}, base)
    memory = Memory(tasks=len(plan.tasks), seed=plan.seed)
    for position, task in enumerate(tasks):
        bench.task = position + 1
        if plan.method.trains:
            memory = learn(Lesson(hooks, task, position, plan.seed), memory, bench, state)
        evaluate(bench, hooks.models(memory, tasks[: position + 1]), ())


def _plain(plan: Plan, bench: PaperBench) -> dict[str, Item]:
    """A plain training and a row of cells for the task at which the bench stands and every later one."""
    items, steps = dict[str, Item](), bench.track.training.steps
    for number in range(bench.task, plan.limit + 1):
        name = f"{run_name(plan)}, task {number}"
        if plan.method.trains:
            items[f"{name}, training"] = Item("train", number, steps, steps)
        for task in plan.tasks[:number]:
            cost = len(task.prompts) * bench.track.sampling.images_per_prompt
            items[f"{name}, images of {task.name}"] = Item("sample", number, cost=cost)
    return items
