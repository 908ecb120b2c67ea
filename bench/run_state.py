"""What a run has so far, and the record of it."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cbench.entries import Entry
from cbench.method import Memory
from cbench.plan import Plan
from cbench.plugins.metrics import Loaded
from cbench.record.provenance import provenance
from cbench.record.record import Costs, Kept, Record, Scores
from cbench.stages.optimizer import fallback
from cbench.store.store import COST
from cbench.track import Training
from cbench.update import Adapter, flat, nbytes


class Evaluation(NamedTuple):
    """The images of some tasks by a model, and their scores."""

    images: tuple[Entry, ...]
    """One entry a task."""
    scores: dict[str, tuple[float, ...]]
    """Metric -> one score a task."""
    entries: tuple[Entry, ...]
    """The entries of the scores."""


class Learned(NamedTuple):
    """One learned task."""

    entry: Entry
    adapter: Adapter
    settings: Training
    measured: tuple[Entry, ...]
    dreamed: Entry | None
    memory: Memory


class RunState:
    """Grows with the run; `to_record` gives the record of what is done."""

    def __init__(
        self, plan: Plan, device: str, weights: str, metrics: Mapping[str, Loaded], base: Evaluation
    ) -> None:
        self.plan, self.device, self.weights, self.metrics, self.base = plan, device, weights, metrics, base
        self.rows: list[Evaluation] = []
        self.learned: list[Learned] = []
        self.merge_seconds = 0.0
        self.most_memory = 0

    def add_learned(self, learned: Learned) -> None:
        """A task was learned. Its adapter and memory are counted, not kept."""
        self.most_memory = max(self.most_memory, memory_bytes(learned.memory))
        factors = flat(learned.adapter)
        self.trained_parameters = sum(
            t.numel() for n, t in factors.items() if self.plan.method.learns == "AB" or "lora_B" in n
        )
        self.learned.append(learned._replace(adapter={}, memory=Memory()))

    def add_merging(self, seconds: float) -> None:
        """`keep` or `model` took this long."""
        self.merge_seconds += seconds

    def add_row(self, row: Evaluation) -> None:
        """The model after the newest task was evaluated on every task so far."""
        self.rows.append(row)

    trained_parameters = 0

    def to_record(self) -> Record:
        """The record of what is done."""
        plan = self.plan
        return Record(
            track=plan.track_ref,
            suite=plan.suite,
            suite_digest=plan.stream_digest,
            method=plan.method_ref,
            source=plan.source,
            tuned=plan.tuned,
            order=plan.order,
            seed=plan.seed,
            tasks=tuple(task.name for task in plan.tasks),
            scores={
                name: Scores(
                    base=self.base.scores[name],
                    rows=tuple(row.scores[name] for row in self.rows),
                    scale=metric.scale,
                )
                for name, metric in self.metrics.items()
            },
            costs=self._costs(),
            provenance=provenance(
                self.device,
                plan.track.backbone.dtype,
                self.weights,
                {name: metric.digest for name, metric in self.metrics.items()},
                (entry.device for entries in self._stages().values() for entry in entries),
                self._other_optimizer(),
            ),
            kept=Kept(
                adapters=_keys(one.entry for one in self.learned),
                base_images=_keys(self.base.images),
                images=tuple(_keys(row.images) for row in self.rows),
                gathered=tuple(_keys(one.measured) for one in self.learned)
                if any(one.measured for one in self.learned)
                else (),
                scores=tuple(dict.fromkeys(_keys(e for one in (self.base, *self.rows) for e in one.entries))),
            ),
        )

    def _stages(self) -> dict[str, list[Entry]]:
        """The entries of each stage."""
        evaluations = (self.base, *self.rows)
        return {
            "train": [
                e for one in self.learned for e in (one.entry, *one.measured, one.dreamed) if e is not None
            ],
            "sample": [e for evaluation in evaluations for e in evaluation.images],
            "score": [e for evaluation in evaluations for e in evaluation.entries],
        }

    def _costs(self) -> Costs:
        stages = self._stages()
        folders = {entry.folder for entries in stages.values() for entry in entries}
        seconds = {
            f"{stage}_seconds": round(sum({e.key: e.seconds for e in entries}.values()), 3)
            for stage, entries in stages.items()
        }
        return Costs(
            **seconds,
            peak_memory_bytes=max(e.peak_bytes for entries in stages.values() for e in entries),
            trained_parameters=self.trained_parameters,
            memory_bytes=self.most_memory,
            disk_bytes=sum(
                p.stat().st_size for folder in folders for p in folder.iterdir() if p.name != COST
            ),
            merge_seconds=round(self.merge_seconds, 3) if self.learned else None,
            trained_steps=self._trained_steps(),
        )

    def _other_optimizer(self) -> str:
        """The optimizer of the trainings, if it is not the track's."""
        return fallback(self.plan.track.of(self.plan.suite).training, self.device) if self.learned else ""

    def _trained_steps(self) -> int | None:
        """The steps of all trainings, if the method's budget is not the track's."""
        each, track = [one.settings for one in self.learned], self.plan.track.of(self.plan.suite).training
        return sum(settings.steps for settings in each) if any(s != track for s in each) else None


def _keys(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(entry.key for entry in entries)


def memory_bytes(memory: Memory) -> int:
    """Bytes that a method carries to the next task: tensors, and the files of kept examples."""
    tensors = nbytes(memory.update) + nbytes(flat(memory.adapter or {})) + nbytes(memory.extra)
    return tensors + sum(example.image.stat().st_size for example in memory.examples)
