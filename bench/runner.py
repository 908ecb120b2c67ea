"""One run, from its plan to its record: the method contract, in order.

Learn task after task; after each, ask the model for images of every task so far, and score them.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple

from cbench.entries import Entry
from cbench.inputs import MeasuringInputs, RehearsalInputs, TrainingInputs
from cbench.method import Budget, Kind, Memory, Rehearsal
from cbench.plan import Plan
from cbench.plugins.hooks import AFTER, BEFORE, Hooks, grown
from cbench.progress import Progress, silent
from cbench.record.record import Record
from cbench.results import Results
from cbench.run_state import Evaluation, Learned, RunState
from cbench.task import Task
from cbench.track import Training
from cbench.update import Adapter, Update
from cbench.workbench import Workbench


def run(plan: Plan, bench: Workbench, results: Results, progress: Progress = silent) -> Record:
    """Do what the stored record of the plan lacks, and write the record after every new task.

    Metrics added by `cbench score` are kept and extended; diagnostics are dropped, because they describe the
    previous model."""
    stored = results.stored(plan)
    metrics = tuple(dict.fromkeys((*plan.metrics, *(stored.scores if stored else ()))))
    weights = bench.backbone_digest
    loaded = {name: bench.loaded(name) for name in metrics}  # what is missing is reported before any work
    hooks, tasks = Hooks(plan.method, plan.evaluation_prompts), plan.tasks[: plan.limit]
    base = evaluate(bench, [({}, tasks)], metrics, progress)
    state = RunState(plan, bench.device, weights, loaded, base)
    memory = Memory(tasks=len(plan.tasks), seed=plan.seed)
    for position, task in enumerate(tasks):
        if plan.method.trains:
            memory = learn(Lesson(hooks, task, position, plan.seed), memory, bench, state, progress)
        began = perf_counter()
        models = hooks.models(memory, tasks[: position + 1])
        state.add_merging(perf_counter() - began)
        state.add_row(evaluate(bench, models, metrics, progress))
        record = state.to_record()
        if stored and stored.tuned and not record.tuned:
            record = record.model_copy(update={"tuned": stored.tuned})
        if stored is None or _replaces(record, stored, results):
            results.write(record)
    return record


def _replaces(record: Record, stored: Record, results: Results) -> bool:
    """Whether a record takes the place of the stored one: it is of other code, has learned more, names
    another tuning, or has all its entries where the stored one has lost some for good."""
    if stored.source != record.source or record.learned > stored.learned:
        return True
    if record.learned == stored.learned and record.tuned != stored.tuned:
        return True
    return record.learned == stored.learned and results.lost(stored) > 0


class Lesson(NamedTuple):
    """One task to learn: by which method, at which position (from 0), with which seed."""

    hooks: Hooks
    task: Task
    position: int
    seed: int


def learn(
    lesson: Lesson, memory: Memory, bench: Workbench, state: RunState, progress: Progress = silent
) -> Memory:
    """The memory after the task: every hook of the contract, one after the other."""
    hooks, task, position, seed = lesson
    fresh, measured = bench.fresh(seed, position), list[Entry]()
    for kind in (k for k in BEFORE if k in hooks.method.gathers):
        memory = _gather(lesson, memory, kind, hooks.frozen(memory), fresh, bench, measured, progress)
    frozen = hooks.frozen(memory)
    start = hooks.start(memory, fresh)
    examples = hooks.examples(memory, task)
    rehearsal = hooks.rehearse(memory, task, frozen)
    settings = budgeted(bench.track.training, hooks.budget(memory))
    dreams = _dream(hooks, rehearsal, memory, task, bench, progress)
    penalty, project = hooks.penalty(memory, start), hooks.project(memory)
    inputs = TrainingInputs(
        frozen, start, examples, settings, seed, hooks.method.learns, dreams, penalty, project
    )
    with hooks.watched(memory, penalty, project):
        entry, trained = bench.train(inputs)
    progress("train", 1, entry.seconds)
    began = perf_counter()
    memory = hooks.keep(memory, trained, task)
    state.add_merging(perf_counter() - began)
    for kind in (k for k in AFTER if k in hooks.method.gathers):
        model = frozen if kind == "fisher" else hooks.model(memory, task)
        memory = _gather(lesson, memory, kind, model, trained, bench, measured, progress)
    dreamed = dreams.dreams.entry if dreams and dreams.dreams else None
    state.add_learned(Learned(entry, trained, settings, tuple(measured), dreamed, memory))
    return grown(memory, task)


def budgeted(settings: Training, budget: Budget) -> Training:
    """The track's training settings with a budget's share of the steps (at least one) and of the learning
    rate."""
    if budget == Budget():
        return settings
    steps, rate = max(1, round(settings.steps * budget.steps)), settings.learning_rate * budget.rate
    return settings.model_copy(update={"steps": steps, "learning_rate": rate})


def _dream(
    hooks: Hooks,
    rehearsal: Rehearsal | None,
    memory: Memory,
    task: Task,
    bench: Workbench,
    progress: Progress,
) -> RehearsalInputs | None:
    """The rehearsal with its prompts' images, sampled by the model before the task."""
    if rehearsal is None:
        return None
    examples, prompts, count, weight, target = rehearsal
    if not prompts:
        return RehearsalInputs(examples, None, weight, target)
    dreams = bench.dream(hooks.model(memory, task), prompts, count)
    progress("dream", len(dreams.captions), dreams.entry.seconds)
    return RehearsalInputs(examples, dreams, weight, target)


def _gather(
    lesson: Lesson,
    memory: Memory,
    kind: Kind,
    model: Update,
    adapter: Adapter,
    bench: Workbench,
    measured: list[Entry],
    progress: Progress,
) -> Memory:
    """The memory with one measurement taken in."""
    hooks, task, position, seed = lesson
    entry, tensors = bench.measure(
        MeasuringInputs(
            kind,
            model,
            adapter if kind == "fisher" else None,
            task.examples,
            hooks.method.draws,
            seed,
            position,
            bench.track.training,
            hooks.method.learns,
        )
    )
    measured.append(entry)
    progress("measure", 1, entry.seconds)
    return hooks.gather(memory, kind, tensors, adapter)


def evaluate(
    bench: Workbench,
    models: Sequence[tuple[Update, Sequence[Task]]],
    metrics: Sequence[str],
    progress: Progress = silent,
) -> Evaluation:
    """Images and scores of every model's tasks."""
    tasks = [task for _, seen in models for task in seen]
    images = list[Entry]()
    for update, seen in models:
        for entry in bench.sample(update, seen):
            images.append(entry)
            progress("sample", 1, entry.seconds)
    scores, entries = dict[str, tuple[float, ...]](), list[Entry]()
    for metric in metrics:
        cells = [bench.score(metric, entry, task) for entry, task in zip(images, tasks, strict=True)]
        scores[metric] = tuple(score for score, _ in cells)
        for _, entry in cells:
            entries.append(entry)
            progress("score", 1, entry.seconds)
    return Evaluation(tuple(images), scores, tuple(entries))
