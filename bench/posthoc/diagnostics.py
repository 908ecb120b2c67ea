"""Diagnostics of a stored run, as each metric sees its images."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cbench.entries import Entry, cited_entry
from cbench.errors import BadInput
from cbench.method import Method
from cbench.metric import Metric, TextMetric
from cbench.plugins.encoders import embed, embed_texts
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import method_from_record
from cbench.plugins.metrics import embeds
from cbench.plugins.streams import open_stream
from cbench.posthoc.pairs import Pair, PairImages, pair_scores, pairs_of
from cbench.posthoc.replay import check_replayed, memories, tasks_of
from cbench.progress import Progress, silent
from cbench.record.diagnostics import Diagnostics, Drift, MetricDiagnostics, Row
from cbench.record.record import Record
from cbench.results import Results
from cbench.task import Task
from cbench.track import CompanionSpec, Track
from cbench.update import Update
from cbench.utils.digest import digest_json
from cbench.utils.images import load_image, read_sheet
from cbench.workbench import Workbench


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
    """Of the generic prompts before the stream and after it; empty if the track names none."""
    before: Sequence[Entry]
    """Of each task's prompts by the model before that task, from the second on; empty unless asked for."""
    pairs: Sequence[Pair] = ()
    """Two concepts of one prompt; none for an oracle, which may have a model for each concept."""
    together: Sequence[Entry] = ()
    """Of each pair's prompt by the final model, and"""
    together_base: Sequence[Entry] = ()
    """by the base model."""


class MetricReader:
    """A metric that looks at stored images and references."""

    def __init__(self, bench: Workbench, name: str) -> None:
        loaded = bench.loaded(name)
        if loaded.kind != "embed":
            raise BadInput(f"metric {name} embeds no images: of the diagnostics it can measure drift alone")
        self.metric: Metric = loaded.metric
        self.side = bench.track.backbone.resolution

    def images(self, entry: Entry) -> np.ndarray:
        """Unit embeddings of an entry's images."""
        return embed(self.metric, read_sheet(entry.folder / "images.png", self.side))

    def references(self, task: Task) -> np.ndarray:
        """Unit embeddings of a task's references."""
        return embed(self.metric, [load_image(path) for path in task.references])

    def texts(self, prompts: Sequence[str]) -> np.ndarray:
        """Unit embeddings of texts; BadInput if the metric reads no texts."""
        if not isinstance(self.metric, TextMetric):
            raise BadInput(
                f"metric {self.metric.name} reads no texts (it has no embed_texts): it cannot measure "
                "prompt alignment"
            )
        return embed_texts(self.metric, prompts)


def metric_diagnostics(
    reader: MetricReader, images: DiagnosticImages, tasks: Sequence[Task]
) -> MetricDiagnostics:
    """One metric's diagnostics; a similarity is the mean over all pairs of cos(image, reference), as in the
    score matrix."""
    references = [reader.references(task) for task in tasks]

    def against_own(entries: Sequence[Entry], own: Sequence[np.ndarray]) -> Row:
        return tuple(float((reader.images(e) @ r.T).mean()) for e, r in zip(entries, own, strict=True))

    # of each task, images x tasks: how similar each image is to each concept
    similarity = [
        np.stack([(embedded @ r.T).mean(1) for r in references], 1)
        for embedded in map(reader.images, images.own)
    ]
    generic = [reader.images(entry) for entry in images.generic]
    own = [reader.images(entry) for entry in images.own] if images.pairs else []
    seen = [
        PairImages(
            reader.images(both), reader.images(base), np.concatenate([own[pair.first], own[pair.second]])
        )
        for pair, both, base in zip(images.pairs, images.together, images.together_base, strict=True)
    ]
    theirs = [(references[pair.first], references[pair.second]) for pair in images.pairs]
    return MetricDiagnostics(
        kept=float((generic[0] * generic[1]).sum(1).mean()) if generic else None,
        leakage=against_own(images.plain, references),
        leakage_base=against_own(images.plain_base, references),
        confusion=tuple(tuple(map(float, rows.mean(0))) for rows in similarity),
        mistaken=tuple(float((rows.max(1) > rows[:, j]).mean()) for j, rows in enumerate(similarity)),
        before=against_own(images.before, references[1:]) if images.before else (),
        pairs=pair_scores(seen, theirs) if seen else None,
    )


def alignment(reader: MetricReader, entries: Sequence[Entry], tasks: Sequence[Task], count: int) -> Row:
    """Per task the mean cosine of each image with the text of its own prompt, identifier removed; `count`
    images a prompt."""
    texts = [np.repeat(reader.texts(task.plain_prompts), count, 0) for task in tasks]
    return tuple(float((reader.images(e) * t).sum(1).mean()) for e, t in zip(entries, texts, strict=True))


VERSION = 1
"""Raised when a measure changes."""


def digest_of(spec: CompanionSpec) -> str:
    """Identity of what the measures are taken with. The drift metrics are no part of it: each is a column of
    its own."""
    return digest_json([VERSION, spec.model_dump(mode="json", exclude={"drift"})])


def embedding_metrics(record: Record) -> tuple[str, ...]:
    """The metrics of a record that embed images: the similarities of the diagnostics are theirs."""
    return tuple(metric for metric in record.scores if embeds(metric))


def has(record: Record, track: Track, before: bool) -> bool:
    """Whether a record has these diagnostics for all its metrics that embed images, and the drift."""
    diagnostics = record.companions
    if (
        diagnostics is None
        or diagnostics.digest != digest_of(track.companions)
        or diagnostics.metrics.keys() != set(embedding_metrics(record))
        or not diagnostics.drift.keys() >= set(track.companions.drift)
    ):
        return False
    if not before or record.method.regime == "oracle":
        return True
    return all(b.before or len(b.leakage) < 2 for b in diagnostics.metrics.values())


def sample_images(
    record: Record,
    method: Method,
    tasks: Sequence[Task],
    bench: Workbench,
    before: bool,
    progress: Progress = silent,
) -> DiagnosticImages:
    """The run's images, and those sampled beside them. With `before` also each task's before it is learned,
    but not of an oracle, which has no model for a task to come."""

    def sample(update: Update, asked: Sequence[Task]) -> list[Entry]:
        entries = bench.sample(update, asked)
        for entry in entries:
            progress("sample", 1, entry.seconds)
        return entries

    def stored(key: str) -> Entry:
        return cited_entry(bench.store, "images", key)

    plain = [task._replace(prompts=task.plain_prompts) for task in tasks]
    prompts = bench.track.companions.generic
    generic = [Task("generic", (), (), prompts, prompts)] if prompts else []
    hooks, early = Hooks(method), list[Entry]()
    replayed = memories(method, record, tasks, bench.store)
    for memory, following in zip(replayed, (*tasks[1:], None), strict=True):
        if before and following and method.regime != "oracle":
            early += sample(hooks.model(memory, following), [following])
    pairs = asked_pairs(record, bench.track, tasks)
    if record.learned:
        last = len(tasks) - 1
        check_replayed(bench, record, hooks.model(memory, tasks[last]), tasks[last], (last, last))
    return DiagnosticImages(
        own=[stored(key) for key in record.stored.images[-1]],
        own_base=[stored(key) for key in record.stored.base_images[: len(tasks)]],
        plain=[
            sample(hooks.model(memory, task), [asked])[0] for task, asked in zip(tasks, plain, strict=True)
        ],
        plain_base=sample({}, plain),
        generic=sample({}, generic) + sample(hooks.model(memory, tasks[-1]), generic),
        before=early,
        pairs=pairs,
        together=sample(hooks.model(memory, tasks[-1]), [pair.task for pair in pairs]) if pairs else [],
        together_base=sample({}, [pair.task for pair in pairs]),
    )


def asked_pairs(record: Record, track: Track, tasks: Sequence[Task]) -> list[Pair]:
    """The pairs of concepts to ask for, of the learned tasks; none if the track names no prompt for them."""
    spec = track.companions.pairs.get(record.suite)
    if spec is None or record.method.regime == "oracle":
        return []
    canonical = [task.name for task in open_stream(track, record.suite).tasks]
    return pairs_of(spec, tasks, canonical)


def measure(
    images: DiagnosticImages, metrics: Sequence[str], tasks: Sequence[Task], bench: Workbench
) -> Diagnostics:
    """All measures of the shown images."""
    spec, count = bench.track.companions, bench.track.sampling.images_per_prompt
    text = MetricReader(bench, spec.text) if spec.text else None
    sampled = (*images.plain, *images.plain_base, *images.generic, *images.before)
    sampled += (*images.together, *images.together_base)
    return Diagnostics(
        digest=digest_of(spec),
        alignment=alignment(text, images.own, tasks, count) if text else (),
        alignment_base=alignment(text, images.own_base, tasks, count) if text else (),
        metrics={name: metric_diagnostics(MetricReader(bench, name), images, tasks) for name in metrics},
        drift={name: _drift(bench, name, images) for name in spec.drift},
        images=tuple(dict.fromkeys(entry.key for entry in sampled)),
        pairs=tuple((tasks[pair.first].name, tasks[pair.second].name) for pair in images.pairs),
    )


def _drift(bench: Workbench, name: str, images: DiagnosticImages) -> Drift:
    before, after = images.generic
    loaded = bench.loaded(name)
    return Drift(value=bench.drift(name, before, after), scale=loaded.scale, metric_digest=loaded.digest)


def add_diagnostics(
    record: Record, bench: Workbench, results: Results, before: bool, progress: Progress = silent
) -> None:
    """Add the diagnostics to the record's file. BadInput: the track, the stream or the method changed, or
    images are gone."""
    tasks = tasks_of(record, bench.track)[: record.learned]
    had = record.companions is not None and any(
        metric.before for metric in record.companions.metrics.values()
    )
    method = method_from_record(record)
    images = sample_images(record, method, tasks, bench, before or had, progress)
    diagnostics = measure(images, embedding_metrics(record), tasks, bench)
    results.write(record.model_copy(update={"companions": diagnostics}))
