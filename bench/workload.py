"""How much a run has to do, known before anything is trained: what the plan says, and what the method's hooks
add."""

from collections.abc import Mapping
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.method import Budget, Memory, Method
from cbench.plan import Plan, cells

Workload = Mapping[str, tuple[float, ...]]
"""Stage -> the relative cost of each result that it is to give."""


class TaskWork(NamedTuple):
    """What learning one task takes."""

    budget: Budget = Budget()
    batches: int = 1
    """Forward passes of a step: one, one more for a rehearsal, and one more if a teacher is asked."""
    dreams: int = 0
    """Images sampled for the rehearsal."""


def workload(plan: Plan, metrics: int | None = None) -> Workload:
    """Trainings, measurements, dreamed images, cells to sample (the base model's among them) and scores of a
    run."""
    sampled = cells(plan.limit)
    lessons = lessons_of(plan) if plan.method.trains else []
    stages = {
        "train": tuple(work.budget.steps * work.batches for work in lessons),
        "measure": (1.0,) * (len(plan.method.gathers) * len(lessons)),
        "dream": (1.0,) * sum(work.dreams for work in lessons),
        "sample": (1.0,) * sampled,
        "score": (1.0,) * (sampled * (len(plan.metrics) if metrics is None else metrics)),
    }
    return {stage: costs for stage, costs in stages.items() if costs or stage not in ("measure", "dream")}


def lessons_of(plan: Plan) -> list[TaskWork]:
    """The work of each task. A method with a budget or a rehearsal is asked with a stand-in of one small
    layer; from the task on at which that does not work, the plain training is assumed."""
    method, plain = plan.method, [TaskWork()] * plan.limit
    if type(method).budget is Method.budget and type(method).rehearse is Method.rehearse:
        return plain
    lessons: list[TaskWork] = []
    try:
        _ask_stand_in(plan, lessons)
    except BadInput:
        return [*lessons, *plain[len(lessons) :]]
    return lessons


def _ask_stand_in(plan: Plan, lessons: list[TaskWork]) -> None:
    from cbench.plugins.hooks import Hooks, grown
    from cbench.update import gaussian

    hooks, memory = Hooks(plan.method), Memory(tasks=len(plan.tasks), seed=plan.seed)
    for position, task in enumerate(plan.tasks[: plan.limit]):
        trained = gaussian({"stand_in": (8, 8)}, 2, position)
        rehearsal = hooks.rehearse(memory, task, {"stand_in": trained["stand_in"].B})
        dreams = len(rehearsal.prompts) * rehearsal.images_per_prompt if rehearsal else 0
        batches = 1 if rehearsal is None else 3 if rehearsal.target == "model" else 2
        lessons.append(TaskWork(hooks.budget(memory), batches, dreams))
        memory = grown(hooks.keep(memory, trained, task), task)
