"""Diagnostics of a stored run, as each metric sees its images."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cbench.errors import BadInput
from cbench.method import Method
from cbench.metric import Metric, TextMetric
from cbench.plugins.methods import method_from_record
from cbench.posthoc.replay import memories, tasks_of
from cbench.record.diagnostics import Diagnostics, MetricDiagnostics, Row
from cbench.record.files import record_text
from cbench.record.record import Record
from cbench.stages.score import embed, embed_texts
from cbench.task import Task
from cbench.track import CompanionSpec, Track
from cbench.utils.digest import digest_json
from cbench.utils.files import write_atomically
from cbench.utils.images import load_image, read_sheet
from cbench.workbench import Entry, Workbench, cited_entry, open_adapter


class DiagnosticImages(NamedTuple):
    """The images that the measures look at, an entry for each learned task."""

    own: Sequence[Entry]
    """Of the task's prompts by the final model, and"""
    own_base: Sequence[Entry]
    """by the base model: both as the run left them."""
    plain: Sequence[Entry]
    """Of the prompts without the identifier by the final model, and"""
    plain_base: Sequence[Entry]
    """by the base model."""
    generic: Sequence[Entry]
    """Of the generic prompts before the stream and after it; empty where the track names none."""
    before: Sequence[Entry]
    """Of each task's prompts by the model before that task, from the second on; empty unless asked for."""


class MetricReader:
    """A metric that looks at stored images and references."""

    def __init__(self, bench: Workbench, name: str) -> None:
        self.metric: Metric = bench.metric(name)
        self.side = bench.track.backbone.resolution

    def images(self, made: Entry) -> np.ndarray:
        """Unit embeddings of an entry's images."""
        return embed(self.metric, read_sheet(made.folder / "images.png", self.side))

    def references(self, task: Task) -> np.ndarray:
        """Unit embeddings of a task's references."""
        return embed(self.metric, [load_image(path) for path in task.references])

    def texts(self, prompts: Sequence[str]) -> np.ndarray:
        """Unit embeddings of texts; BadInput where the metric reads none."""
        if not isinstance(self.metric, TextMetric):
            raise BadInput(
                f"metric {self.metric.name} reads no texts (it has no embed_texts): it cannot measure "
                "prompt alignment"
            )
        return embed_texts(self.metric, prompts)


def metric_diagnostics(
    eye: MetricReader, shown: DiagnosticImages, tasks: Sequence[Task]
) -> MetricDiagnostics:
    """One metric's measures; a similarity is the mean over all pairs of cos(image, reference), as in the
    score matrix."""
    references = [eye.references(task) for task in tasks]

    def against_own(made: Sequence[Entry], of: Sequence[np.ndarray]) -> Row:
        return tuple(float((eye.images(m) @ r.T).mean()) for m, r in zip(made, of, strict=True))

    # for each task's images, images x tasks: how much each is like each concept
    likeness = [
        np.stack([(images @ r.T).mean(1) for r in references], 1) for images in map(eye.images, shown.own)
    ]
    generic = [eye.images(made) for made in shown.generic]
    return MetricDiagnostics(
        kept=float((generic[0] * generic[1]).sum(1).mean()) if generic else None,
        leakage=against_own(shown.plain, references),
        leakage_base=against_own(shown.plain_base, references),
        confusion=tuple(tuple(map(float, found.mean(0))) for found in likeness),
        mistaken=tuple(float((found.max(1) > found[:, j]).mean()) for j, found in enumerate(likeness)),
        before=against_own(shown.before, references[1:]) if shown.before else (),
    )


def alignment(eye: MetricReader, made: Sequence[Entry], tasks: Sequence[Task], count: int) -> Row:
    """Per task the mean cosine of each image with the text of its own prompt, identifier removed; `count`
    images a prompt."""
    texts = [np.repeat(eye.texts(task.plain_prompts), count, 0) for task in tasks]
    return tuple(float((eye.images(m) * t).sum(1).mean()) for m, t in zip(made, texts, strict=True))


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


def sample_images(
    record: Record, method: Method, tasks: Sequence[Task], bench: Workbench, before: bool
) -> DiagnosticImages:
    """The run's images, and what is sampled beside them. An oracle, which has a model for each task, is asked
    nothing before a task."""
    plain = [task._replace(prompts=task.plain_prompts) for task in tasks]
    told = bench.track.companions.generic
    generic = [Task("generic", (), (), told, told)] if told else []
    early: list[Entry] = []
    replayed = memories(
        method, record, tasks, lambda key: open_adapter(cited_entry(bench.store, "adapters", key))
    )
    for memory, following in zip(replayed, (*tasks[1:], None), strict=True):
        if before and following and method.regime != "oracle":
            early += bench.sample(method.model(memory, following), [following])
    return DiagnosticImages(
        own=[cited_entry(bench.store, "images", key) for key in record.stored.images[-1]],
        own_base=[cited_entry(bench.store, "images", key) for key in record.stored.base_images[: len(tasks)]],
        plain=[
            bench.sample(method.model(memory, task), [asked])[0]
            for task, asked in zip(tasks, plain, strict=True)
        ],
        plain_base=bench.sample({}, plain),
        generic=bench.sample({}, generic) + bench.sample(method.model(memory, tasks[-1]), generic),
        before=early,
    )


def measure(
    shown: DiagnosticImages, metrics: Sequence[str], tasks: Sequence[Task], bench: Workbench
) -> Diagnostics:
    """All measures of the shown images."""
    spec, count = bench.track.companions, bench.track.sampling.images_per_prompt
    text = MetricReader(bench, spec.text) if spec.text else None
    sampled = (*shown.plain, *shown.plain_base, *shown.generic, *shown.before)
    return Diagnostics(
        digest=digest_of(spec),
        alignment=alignment(text, shown.own, tasks, count) if text else (),
        alignment_base=alignment(text, shown.own_base, tasks, count) if text else (),
        metrics={name: metric_diagnostics(MetricReader(bench, name), shown, tasks) for name in metrics},
        images=tuple(dict.fromkeys(made.key for made in sampled)),
    )


def add_diagnostics(record: Record, bench: Workbench, out: Path, before: bool) -> None:
    """Add the measures to the record's file. BadInput: the track, the stream or the method changed, or images
    are gone."""
    tasks = tasks_of(record, bench.track)[: record.learned]
    had = record.companions is not None and any(
        beside.before for beside in record.companions.metrics.values()
    )
    shown = sample_images(record, method_from_record(record.method), tasks, bench, before or had)
    grown = record.model_copy(update={"companions": measure(shown, tuple(record.scores), tasks, bench)})
    write_atomically(out / "records" / record.file_name, record_text(grown))
