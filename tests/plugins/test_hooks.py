"""Each hook of the contract, proved on small methods and a run of the small pipeline."""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from cbench import (
    Budget,
    Factors,
    Memory,
    Rehearsal,
    add,
    flat,
    generator,
    product,
)
from cbench.entries import cited_entry, open_adapter
from cbench.errors import BadInput
from cbench.methods.merge_init import MergeInit
from cbench.methods.naive import Naive
from cbench.plan import plans
from cbench.plugins.hooks import Hooks
from cbench.posthoc.replay import memories
from cbench.record.cited import cited_entries
from cbench.results import Results
from cbench.runner import run
from cbench.update import gaussian
from cbench.workbench import open_workbench
from cbench.workload import workload

LAYERS = {"one": (6, 4), "two": (4, 4)}
FRESH = gaussian(LAYERS, 2, 0)


class Replay(Naive):
    """Naive, with one kept image of every earlier task."""

    name, title, regime = "replay_one", "Replay", "replay"

    def keep(self, memory, trained, task):
        return Memory(adapter=trained, examples=(*memory.examples, task.examples[0]))

    def rehearse(self, memory, task):
        return Rehearsal(examples=memory.examples) if memory.examples else None


class Dream(MergeInit):
    """Rehearses images that the model draws of earlier training prompts."""

    name, title = "dream_two", "Dream"

    def rehearse(self, memory, task):
        return Rehearsal(prompts=memory.learned, images_per_prompt=2) if memory.learned else None


class Distill(MergeInit):
    """New images under earlier captions, towards the guess of the merged model."""

    name, title = "distill_new", "Distill"

    def rehearse(self, memory, task):
        old = tuple(e._replace(prompt=p) for p in memory.learned for e in task.examples)
        return Rehearsal(examples=old, target="model") if old else None


class Fixed(MergeInit):
    """Only B is trained."""

    name, title, learns = "fixed_a", "Fixed A", "B"


@dataclass(frozen=True)
class Short(MergeInit):
    """A third of the steps at half the rate."""

    steps: float = 1 / 3
    name, title = "short", "Short"

    def budget(self, memory):
        return Budget(self.steps, 0.5)


class Measured(Naive):
    """Keeps traces of every measurement, so that its memory depends on them."""

    name, title, regime, draws = "measured", "Measured", "statistics", 3
    gathers: ClassVar = frozenset({"inputs_before", "inputs_after", "fisher"})

    def keep(self, memory, trained, task):
        return memory._replace(adapter=trained)

    def gather(self, memory, kind, measured):
        traces = torch.stack([tensor.sum() for _, tensor in sorted(measured.items())])
        return memory._replace(extra={**memory.extra, kind: memory.extra.get(kind, 0) + traces})


class Halved(MergeInit):
    """The second row of A stays zero."""

    name, title = "halved", "Halved"

    def project(self, memory, adapter):
        return {n: Factors(f.A * torch.tensor([[1.0], [0.0]]), f.B) for n, f in adapter.items()}


class Penalised(MergeInit):
    """No penalty before anything is learned, then one."""

    name, title = "penalised", "Penalised"

    def penalty(self, memory, adapter):
        if not memory.learned:
            return None
        return sum((f.B @ f.A * memory.update[n]).square().sum() for n, f in adapter.items())


@pytest.fixture
def execute(track_file, tmp_path):
    """Runs a method on the small pipeline in one results folder for all; gives the record."""
    plan = plans(str(track_file), "colours", "merge_init", {}, None, None, False, None)[0]
    results = Results(tmp_path / "out")
    results.check()
    bench = open_workbench(plan.track.of("colours"), results, "cpu")

    def go(method, **changes):
        go.plan = dataclasses.replace(plan, method=method, **changes)
        return run(go.plan, bench, results)

    go.bench, go.results = bench, results
    return go


def adapters(record):
    return record.kept.adapters


def test_kept_images_are_rehearsed_from_the_second_task_on(execute):
    record, naive = execute(Replay()), execute(Naive())
    assert adapters(record)[0] == adapters(naive)[0] and adapters(record)[1] != adapters(naive)[1]
    assert record.costs.memory_bytes > naive.costs.memory_bytes, "the kept files are counted"


def test_dreams_are_of_the_model_before_and_never_from_an_evaluation_noise(execute, monkeypatch):
    asked, dream = [], execute.bench.dream

    def watched(update, prompts, count):
        asked.append((bool(update), tuple(prompts), count))
        return dream(update, prompts, count)

    monkeypatch.setattr(execute.bench, "dream", watched)
    record, plain = execute(Dream()), execute(MergeInit())
    first, second = (task.examples[0].prompt for task in execute.plan.tasks[:2])
    assert asked == [(True, (first,), 2), (True, (first, second), 2)]
    assert adapters(record)[0] == adapters(plain)[0] and adapters(record)[1] != adapters(plain)[1]
    asked_for = execute.plan.tasks[0]._replace(prompts=(first,))
    evaluated = execute.bench.sample({}, [asked_for])[0]
    assert dream({}, [first], 2).entry.key != evaluated.key, "the same prompt and count, other noise"


def test_a_teacher_needs_a_frozen_update(execute):
    record, plain = execute(Distill()), execute(MergeInit())
    assert adapters(record)[0] == adapters(plain)[0] and adapters(record)[1] != adapters(plain)[1]
    hooks, memory = Hooks(Distill()), Memory(learned=("a wall",))
    with pytest.raises(BadInput, match="needs a frozen update for the target model"):
        hooks.rehearse(memory, execute.plan.tasks[0], {})


def test_with_b_alone_a_stays_and_counts_nothing(execute):
    record = execute(Fixed())
    trained = open_adapter(cited_entry(execute.results.store, "adapters", adapters(record)[0]))
    fresh = execute.bench.fresh(0, 0)
    assert all(torch.equal(trained[n].A, fresh[n].A) and trained[n].B.any() for n in fresh)
    assert record.costs.trained_parameters == sum(f.B.numel() for f in fresh.values())


def test_a_budget_is_trained_and_recorded(execute):
    assert execute(Short()).costs.trained_steps == 3 * 1, "3 steps a task, a third of them"
    assert execute(MergeInit()).costs.trained_steps is None
    assert workload(dataclasses.replace(execute.plan, method=Short()))["train"] == (1 / 3,) * 3


@pytest.mark.parametrize("steps", [0, 1.5, float("nan"), True, "1"])
def test_a_budget_has_bounds(steps):
    with pytest.raises(BadInput, match=r"\(budget\) returned .*at most 1 here"):
        Hooks(Short(steps)).budget(Memory())


def test_an_oracle_may_train_as_long_as_all_its_tasks():
    oracle = type("Oracle", (Short,), {"regime": "oracle", "name": "oracle"})
    assert Hooks(oracle(2.0)).budget(Memory(learned=("a",))).steps == 2
    with pytest.raises(BadInput, match="at most 2 here"):
        Hooks(oracle(2.5)).budget(Memory(learned=("a",)))


def test_measurements_are_taken_once_cited_and_replayed(execute):
    record = execute(Measured())
    assert [len(row) for row in record.kept.gathered] == [3, 3, 3]
    assert {("measurements", key) for row in record.kept.gathered for key in row} <= cited_entries(record)
    *_, memory = memories(Measured(), record, execute.plan.tasks, execute.results.store)
    assert sorted(memory.extra) == ["fisher", "inputs_after", "inputs_before"]
    assert all(torch.isfinite(t).all() and t.any() for t in memory.extra.values())
    assert memory.learned == tuple(t.examples[0].prompt for t in execute.plan.tasks) and memory.tasks == 3


def test_measuring_moves_no_number_of_the_training(execute):
    assert adapters(execute(Measured())) == adapters(execute(Naive()))


def test_a_projection_applies_to_the_start_and_to_every_step(execute):
    record = execute(Halved())
    trained = open_adapter(cited_entry(execute.results.store, "adapters", adapters(record)[0]))
    assert all(not f.A[1].any() and f.A[0].any() for f in trained.values())
    assert adapters(record)[0] != adapters(execute(MergeInit()))[0]


def test_a_penalty_that_is_none_shares_the_training(execute):
    record, plain = execute(Penalised()), execute(MergeInit())
    assert adapters(record)[0] == adapters(plain)[0] and adapters(record)[1] != adapters(plain)[1]


@pytest.mark.parametrize("draw", ["torch.rand(())", "random.random()", "np.random.rand()"])
def test_a_penalty_that_draws_is_refused_by_name(draw):
    import random

    import numpy as np

    space = {"torch": torch, "random": random, "np": np}

    class Noisy(MergeInit):
        name, title = "noisy", "Noisy"

        def penalty(self, memory, adapter):
            return torch.tensor(float(eval(draw, space)))

    with pytest.raises(BadInput, match=r"method 'noisy' \(penalty\) draws random numbers"):
        Hooks(Noisy()).penalty(Memory(), FRESH)


def test_a_projection_that_draws_is_refused_by_name():
    class Shaky(MergeInit):
        name, title = "shaky", "Shaky"

        def project(self, memory, adapter):
            return {n: Factors(f.A + torch.rand(()), f.B) for n, f in adapter.items()}

    with pytest.raises(BadInput, match=r"method 'shaky' \(project\) draws random numbers"):
        Hooks(Shaky()).project(Memory()).call(FRESH)


def test_the_memory_of_a_penalty_is_moved_once_to_the_device():
    seen = []

    class Looks(MergeInit):
        name, title = "looks", "Looks"

        def penalty(self, memory, adapter):
            seen.append(memory)
            return sum(f.B.sum() for f in adapter.values())

    hook = Hooks(Looks()).penalty(Memory(update=product(FRESH)), FRESH)
    meta = {n: Factors(f.A.to("meta"), f.B.to("meta")) for n, f in FRESH.items()}
    for _ in range(3):
        hook.call(meta)
    assert len({id(memory) for memory in seen[1:]}) == 1
    assert all(tensor.is_meta for tensor in seen[-1].update.values())


def test_the_runners_fields_survive_a_method_that_forgets_them():
    before = Memory(learned=("a wall",), tasks=3, seed=5)

    class Task:
        examples = ()

    memory = Hooks(MergeInit()).keep(before, FRESH, Task())
    assert (memory.learned, memory.tasks, memory.seed) == (("a wall",), 3, 5)
    assert memory.update.keys() == LAYERS.keys()


def test_seeded_draws_depend_on_every_part_and_on_nothing_else():
    first = torch.rand(3, generator=generator(0, 1, "layer"))
    torch.rand(7)
    assert torch.equal(first, torch.rand(3, generator=generator(0, 1, "layer")))
    others = [generator(1, 1, "layer"), generator(0, 2, "layer"), generator(0, 1, "other"), generator(0, 1)]
    assert not any(torch.equal(first, torch.rand(3, generator=g)) for g in others)


@pytest.mark.parametrize(
    "rehearsal, problem",
    [
        (Rehearsal(), "returned neither examples nor prompts"),
        (Rehearsal(prompts=("a red cat",)), "asks for the evaluation prompt 'a red cat'"),
        (Rehearsal(prompts=("a wall",), weight=0), "needs a finite weight above 0"),
        (Rehearsal(prompts=("a wall",), weight=float("inf")), "needs a finite weight above 0"),
        (Rehearsal(prompts=("a wall",), images_per_prompt=0), "images_per_prompt, at least 1"),
        (Rehearsal(prompts=(1,)), "returned prompts that are no text"),
        (Rehearsal(examples=("x.png",)), "returned examples that are none"),
        (Rehearsal(prompts=("a wall",), target="mine"), "needs the target noise or model"),
        ("a wall", "returned str, not"),
    ],
)
def test_a_rehearsal_that_makes_no_sense_is_refused_by_name(rehearsal, problem):
    class Odd(MergeInit):
        name, title = "odd", "Odd"

        def rehearse(self, memory, task):
            return rehearsal

    with pytest.raises(BadInput, match=rf"method 'odd' \(rehearse\) .*{problem}"):
        Hooks(Odd(), {"a red cat"}).rehearse(Memory(), None, {})


def test_only_an_oracle_may_look_at_the_task_that_is_asked_for(execute):
    class Peeks(MergeInit):
        name, title = "peeks", "Peeks"

        def model(self, memory, task):
            return memory.update if task.name == "red" else {}

    with pytest.raises(BadInput, match="depends on the task that is asked for: only the regime oracle may"):
        execute(Peeks())


def test_dry_run_counts_what_the_hooks_add(execute):
    execute(MergeInit(), limit=1)
    dream = workload(dataclasses.replace(execute.plan, method=Dream(), limit=3))
    assert len(dream["dream"]) == 2 * (0 + 1 + 2) and dream["train"] == (1.0, 2.0, 2.0)
    distill = workload(dataclasses.replace(execute.plan, method=Distill(), limit=3))
    assert distill["train"] == (1.0, 3.0, 3.0) and "dream" not in distill
    assert len(workload(dataclasses.replace(execute.plan, method=Measured(), limit=3))["measure"]) == 9


def test_flat_adapters_add_up():
    """The names that plugins import are the algebra's own."""
    assert flat(FRESH).keys() == {f"{n}.lora_{k}.weight" for n in LAYERS for k in "AB"}
    assert add({}, product(FRESH)).keys() == LAYERS.keys()


@pytest.mark.parametrize(
    "attributes, problem",
    [
        ({"learns": "A"}, "learns 'A'; write AB or B"),
        ({"gathers": frozenset({"input_before"})}, "did you mean 'inputs_before'"),
        ({"draws": 0}, "needs draws of at least 1"),
    ],
)
def test_class_variables_are_checked_by_name(monkeypatch, attributes, problem):
    from cbench.plugins import registry
    from cbench.plugins.methods import make_method

    odd = type("Odd", (MergeInit,), {"name": "merge_init", "title": "Odd", **attributes})
    monkeypatch.setattr(registry, "load", lambda kind, name: odd)
    with pytest.raises(BadInput, match=problem):
        make_method("merge_init", {})


def test_options_of_any_kind_have_a_source():
    from cbench.plugins.source import source_of

    @dataclass(frozen=True)
    class Layers(MergeInit):
        layers: tuple[str, ...] = ("to_q",)
        bound: float = float("inf")
        name, title = "layers", "Layers"

    assert source_of(Layers()).options == {"layers": "('to_q',)", "bound": "inf"}
