"""One run, from its plan to its record: learn task after task, and after each ask the model for images of
every task so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cbench.method import Memory, Method
from cbench.plan import Plan
from cbench.plugins.hooks import ask
from cbench.record.files import read_record, record_text
from cbench.record.provenance import provenance
from cbench.record.record import Costs, Kept, Record, Scores
from cbench.results import record_path
from cbench.store.store import COST
from cbench.task import Task
from cbench.update import Update, flat, nbytes
from cbench.utils.files import write_atomically
from cbench.workbench import Entry, Workbench

Models = Sequence[tuple[Update, Sequence[Task]]]


@dataclass
class RunState:
    """What a run has found so far; `entry` turns it into the record."""

    plan: Plan
    device: str
    weights: str
    metrics: Sequence[str]
    base: dict[str, list[float]] = field(default_factory=dict)
    rows: dict[str, list[list[float]]] = field(default_factory=dict)
    kept: dict[str, list] = field(default_factory=lambda: {"adapters": [], "base_images": [], "images": []})
    made: dict[str, list[Entry]] = field(default_factory=lambda: {"train": [], "sample": [], "score": []})
    trained_parameters: int = 0
    memory_bytes: int = 0

    def entry(self) -> Record:
        """The record of what is done."""
        plan = self.plan
        scores = {
            m: Scores(base=tuple(self.base[m]), rows=tuple(map(tuple, self.rows[m]))) for m in self.metrics
        }
        return Record(
            track=plan.track_ref,
            suite=plan.suite,
            suite_digest=plan.stream_digest,
            method=plan.method_ref,
            order=plan.order,
            seed=plan.seed,
            tasks=tuple(task.name for task in plan.tasks),
            scores=scores,
            costs=self._costs(),
            provenance=provenance(self.device, plan.track.backbone.dtype, self.weights),
            kept=Kept(
                adapters=tuple(self.kept["adapters"]),
                base_images=tuple(self.kept["base_images"]),
                images=tuple(map(tuple, self.kept["images"])),
            ),
        )

    def _costs(self) -> Costs:
        folders = {made.folder for stage in self.made.values() for made in stage}
        return Costs(
            **{
                f"{stage}_seconds": round(sum({m.key: m.seconds for m in made}.values()), 3)
                for stage, made in self.made.items()
            },
            peak_memory_bytes=max(made.peak_bytes for stage in self.made.values() for made in stage),
            trained_parameters=self.trained_parameters,
            memory_bytes=self.memory_bytes,
            disk_bytes=sum(
                p.stat().st_size for folder in folders for p in folder.iterdir() if p.name != COST
            ),
        )


def run(plan: Plan, bench: Workbench, out: Path) -> Record:
    """Do what of the plan is not done yet; the record is written after every task that it does not hold yet.

    Metrics that `cbench score` added to it stay, and get the new cells too; the companions, which tell of its
    last model, go."""
    method, tasks, path = plan.method, plan.tasks[: plan.limit], record_path(plan, out)
    stored = read_record(path) if path.exists() else None
    metrics = tuple(dict.fromkeys((*plan.metrics, *(stored.scores if stored else ()))))
    weights = bench.backbone_digest
    for metric in metrics:
        bench.metric(metric)  # what is not there, or cannot be loaded, is told before anything is sampled
    book, memory = RunState(plan, bench.device, weights, metrics), Memory()
    book.rows = {metric: [] for metric in metrics}
    base = _cells(bench, book, [({}, tasks)])
    book.base = {metric: base[metric] for metric in metrics}
    book.kept["base_images"] = base["images"]
    for position, task in enumerate(tasks):
        if method.trains:
            made, adapter = bench.train(method, memory, task, plan.seed, position)
            memory = ask(method, "keep", memory, adapter, task)
            book.made["train"].append(made)
            book.kept["adapters"].append(made.key)
            book.trained_parameters = sum(t.numel() for t in flat(adapter).values())
            book.memory_bytes = max(book.memory_bytes, memory_bytes(memory))
        row = _cells(bench, book, models(method, memory, tasks[: position + 1]))
        book.kept["images"].append(row["images"])
        for metric in metrics:
            book.rows[metric].append(row[metric])
        entry = book.entry()
        if stored is None or entry.learned > stored.learned:
            write_atomically(path, record_text(entry))
    return entry


def models(method: Method, memory: Memory, seen: Sequence[Task]) -> Models:
    """The model that each task is asked of: one for all, but an oracle may have one for each."""
    if method.regime == "oracle":
        return [(ask(method, "model", memory, task), [task]) for task in seen]
    return [(ask(method, "model", memory, seen[-1]), seen)]


def memory_bytes(memory: Memory) -> int:
    """Bytes of what a method carries to the next task: tensors, and the files of kept examples."""
    tensors = nbytes(memory.update) + nbytes(flat(memory.adapter or {})) + nbytes(memory.extra)
    return tensors + sum(example.image.stat().st_size for example in memory.examples)


def _cells(bench: Workbench, book: RunState, models: Models) -> dict[str, list]:
    """Images and scores of each model's tasks: metric -> scores, `images` -> keys."""
    tasks = [task for _, shown in models for task in shown]
    images = [made for update, shown in models for made in bench.sample(update, shown)]
    book.made["sample"] += images
    found: dict[str, list] = {"images": [made.key for made in images]}
    for metric in book.metrics:
        scored = [bench.score(metric, made, task) for made, task in zip(images, tasks, strict=True)]
        found[metric] = [value for value, _ in scored]
        book.made["score"] += [made for _, made in scored]
    return found
