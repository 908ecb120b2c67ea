"""Takes the measures beside the concept scores of a stored run: nothing is trained, and no image is sampled
twice."""

from collections.abc import Sequence
from pathlib import Path

from cbench.companions import Companions
from cbench.contract import Method
from cbench.digest import digest_json
from cbench.eye import Eye, Shown, alignment, beside
from cbench.make_method import again
from cbench.record import Record, as_text
from cbench.replay import memories
from cbench.store import write_whole
from cbench.suite import tasks_of
from cbench.task import Task
from cbench.track import CompanionSpec, Track
from cbench.workbench import Made, Workbench, cited, open_adapter

VERSION = 1
"""Raised when a measure changes."""


def digest_of(spec: CompanionSpec) -> str:
    """Identity of what the measures are taken with."""
    return digest_json([VERSION, spec.model_dump(mode="json")])


def has(record: Record, track: Track, before: bool) -> bool:
    """Whether a record holds these measures of all its metrics already."""
    found = record.companions
    if (
        found is None
        or found.digest != digest_of(track.companions)
        or found.metrics.keys() != record.scores.keys()
    ):
        return False
    return not before or all(b.before or len(b.leakage) < 2 for b in found.metrics.values())


def show(record: Record, method: Method, tasks: Sequence[Task], bench: Workbench, before: bool) -> Shown:
    """The run's images, and what is sampled beside them. An oracle, which has a model for each task, is asked
    nothing before a task."""
    plain = [task._replace(prompts=task.plain_prompts) for task in tasks]
    told = bench.track.companions.generic
    generic = [Task("generic", (), (), told, told)] if told else []
    early: list[Made] = []
    replayed = memories(method, record, tasks, lambda key: open_adapter(cited(bench.store, "adapters", key)))
    for memory, following in zip(replayed, (*tasks[1:], None), strict=True):
        if before and following and method.regime != "oracle":
            early += bench.sample(method.model(memory, following), [following])
    return Shown(
        own=[cited(bench.store, "images", key) for key in record.stored.images[-1]],
        own_base=[cited(bench.store, "images", key) for key in record.stored.base_images[: len(tasks)]],
        plain=[
            bench.sample(method.model(memory, task), [asked])[0]
            for task, asked in zip(tasks, plain, strict=True)
        ],
        plain_base=bench.sample({}, plain),
        generic=bench.sample({}, generic) + bench.sample(method.model(memory, tasks[-1]), generic),
        before=early,
    )


def measure(shown: Shown, metrics: Sequence[str], tasks: Sequence[Task], bench: Workbench) -> Companions:
    """All measures of the shown images."""
    spec, count = bench.track.companions, bench.track.sampling.images_per_prompt
    text = Eye(bench, spec.text) if spec.text else None
    sampled = (*shown.plain, *shown.plain_base, *shown.generic, *shown.before)
    return Companions(
        digest=digest_of(spec),
        alignment=alignment(text, shown.own, tasks, count) if text else (),
        alignment_base=alignment(text, shown.own_base, tasks, count) if text else (),
        metrics={name: beside(Eye(bench, name), shown, tasks) for name in metrics},
        images=tuple(dict.fromkeys(made.key for made in sampled)),
    )


def accompany(record: Record, bench: Workbench, out: Path, before: bool) -> None:
    """Add the measures to the record's file. BadInput: the track, the stream or the method changed, or images
    are gone."""
    tasks = tasks_of(record, bench.track)[: record.learned]
    had = record.companions is not None and any(
        beside.before for beside in record.companions.metrics.values()
    )
    shown = show(record, again(record.method), tasks, bench, before or had)
    grown = record.model_copy(update={"companions": measure(shown, tuple(record.scores), tasks, bench)})
    write_whole(out / "records" / record.file_name, as_text(grown))
