"""The workbench of a track: the stages, each result remembered in the store under the digest of its inputs.

It takes values and gives values; which method decided them it does not know.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import save as packed
from torch import Tensor

from cbench.backbone.backbone import Backbone
from cbench.backbone.device import peak_memory, pick, reset_peak_memory, silence_libraries
from cbench.backbone.load import identity, open_backbone
from cbench.entries import Entry, open_adapter, open_measurement, packed_once, read_cost
from cbench.errors import BadInput
from cbench.inputs import Dreams, MeasuringInputs, RehearsalInputs, TrainingInputs
from cbench.plugins.check_captions import cut_captions, first_lines
from cbench.plugins.encoders import embed
from cbench.plugins.metrics import Loaded, compare_sets, load_metric, score_images
from cbench.record.provenance import device_name
from cbench.results import Results
from cbench.stages.measure import measure_fisher, measure_inputs
from cbench.stages.optimizer import optimizer_key
from cbench.stages.sample import sample
from cbench.stages.score import CellScores, score
from cbench.stages.train import (
    EncodedImages,
    Fit,
    Rehearsed,
    TrainingData,
    encode_images,
    joined_images,
    train,
)
from cbench.store.store import COST, Store
from cbench.task import Example, Task
from cbench.track import Sampling, Track
from cbench.training_images import encoded, uncropped
from cbench.update import Adapter, Update, flat, gaussian, generator
from cbench.utils.digest import digest_json, digest_tensors
from cbench.utils.files import ASSETS
from cbench.utils.images import image_digest, load_image, read_sheet, square, write_sheet

STAGE_VERSION = 1
"""Raised if a stage's numbers change: older entries are then no longer found."""


class Workbench:
    """Backbone, encoders and store of one track; everything heavy is opened at its first use."""

    def __init__(self, track: Track, store: Store, device: str, texts: Sequence[str] = ()) -> None:
        self.track, self.store, self.device, self.texts = track, store, device, texts
        silence_libraries()
        self._prior: EncodedImages | None = None
        self._digested: tuple[Update, str] | None = None
        self._features: dict[tuple[str, tuple[Path, ...]], np.ndarray] = {}
        self._metrics: dict[str, Loaded] = {}

    @cached_property
    def backbone(self) -> Backbone:
        """The pipeline, loaded. Which of the `texts` it reads in part is said on standard error."""
        backbone = open_backbone(self.track.backbone, ASSETS, self.device, self.track.training.layers)
        parts = backbone.pipeline.components.items()
        tokenizers = [part for name, part in parts if name.startswith("tokenizer") and part]
        for line in first_lines(cut_captions(self.texts, tokenizers)):
            print(line, file=sys.stderr)
        return backbone

    @cached_property
    def backbone_digest(self) -> str:
        """Identity of the weights and their precision."""
        return identity(self.track.backbone, ASSETS)

    def loaded(self, name: str) -> Loaded:
        """A metric, loaded once, with its kind, scale and digest."""
        if name not in self._metrics:
            self._metrics[name] = load_metric(name, self.device)
        return self._metrics[name]

    def metric(self, name: str) -> Any:
        """A metric, loaded once."""
        return self.loaded(name).metric

    # train --------------------------------------------------------------------------------------------------

    def fresh(self, seed: int, position: int) -> Adapter:
        """The adapter of the task at a position (from 0) before any training: A Gaussian, B = 0."""
        settings = self.track.training
        draw = position if settings.fresh == "each" else 0
        return gaussian(self.backbone.layers(settings), settings.rank, seed * 1000 + draw)

    def train(self, inputs: TrainingInputs) -> tuple[Entry, Adapter]:
        """The trained adapter, from the store or newly made."""

        def make(folder: Path) -> None:
            data = TrainingData(
                encoded(self.backbone, self.track, inputs.examples, inputs.seed),
                self._encoded_prior(),
                self._encoded_rehearsal(inputs.rehearsal, inputs.seed),
                inputs.settings.rows == "epochs",
            )
            fit = Fit(
                inputs.start,
                data,
                inputs.seed,
                inputs.settings,
                inputs.learns,
                inputs.penalty,
                inputs.project,
            )
            trained = train(self.backbone, inputs.frozen, fit)
            # bytes, not save_file: an OSError if the disk is full
            (folder / "adapter.safetensors").write_bytes(packed(flat(trained)))

        entry = self._remember("adapters", self._train_key(inputs), make)
        return entry, open_adapter(entry)

    def _train_key(self, inputs: TrainingInputs) -> str:
        settings = inputs.settings
        parts: dict[str, Any] = {
            "stage": f"train-{STAGE_VERSION}",
            "backbone": self.backbone_digest,
            "frozen": self._digest(inputs.frozen),
            "start": digest_tensors(flat(inputs.start)),
            "examples": digest_examples(inputs.examples),
            "seed": inputs.seed,
            "numbers": settings.model_dump(mode="json") | optimizer_key(settings, self.device),
            "sampling": self._sampling_settings() if settings.prior else None,
            "penalty": inputs.penalty.identity if inputs.penalty else None,
        }
        # what is not the default only: so the keys of all other trainings stay
        if inputs.learns != "AB":
            parts["learns"] = inputs.learns
        if inputs.project:
            parts["project"] = inputs.project.identity
        if inputs.rehearsal:
            parts["rehearsal"] = _digest_rehearsal(inputs.rehearsal)
        return digest_json(parts)

    def open_images(self, paths: Iterable[Path]) -> list[Image.Image]:
        """The images at the backbone's resolution."""
        return [square(load_image(path), self.track.backbone.resolution) for path in paths]

    def _encoded_prior(self) -> EncodedImages | None:
        """The base model's own images of the prior prompts, encoded once."""
        prior = self.track.training.prior
        if prior and self._prior is None:
            settings = self.track.sampling.model_copy(update={"images_per_prompt": prior.images_per_prompt})
            with ExitStack() as folding:
                entry = self._sampled({}, digest_tensors({}), prior.prompts, settings, folding)
            captions = [p for p in prior.prompts for _ in range(prior.images_per_prompt)]
            self._prior = encode_images(
                self.backbone, self._sheet(entry), captions, sizes=uncropped(self.track, len(captions))
            )
        return self._prior

    def _encoded_rehearsal(self, rehearsal: RehearsalInputs | None, seed: int) -> Rehearsed | None:
        if rehearsal is None:
            return None
        parts = list[EncodedImages]()
        if rehearsal.examples:
            parts.append(encoded(self.backbone, self.track, rehearsal.examples, seed))
        if rehearsal.dreams:
            images, captions = self._sheet(rehearsal.dreams.entry), rehearsal.dreams.captions
            flip = self.track.training.flip
            parts.append(
                encode_images(self.backbone, images, captions, flip, uncropped(self.track, len(captions)))
            )
        return Rehearsed(joined_images(parts), rehearsal.weight, rehearsal.target)

    def dream(self, update: Update, prompts: Sequence[str], images_per_prompt: int) -> Dreams:
        """Images of W0 + update to rehearse. Their noise is never that of an evaluation: its seed is one
        higher."""
        sampling = self.track.sampling
        settings = sampling.model_copy(
            update={"images_per_prompt": images_per_prompt, "noise_seed": sampling.noise_seed + 1}
        )
        with ExitStack() as folding:
            entry = self._sampled(update, self._digest(update), prompts, settings, folding)
        return Dreams(entry, tuple(p for p in prompts for _ in range(images_per_prompt)))

    # measure ------------------------------------------------------------------------------------------------

    def measure(self, inputs: MeasuringInputs) -> tuple[Entry, Mapping[str, Tensor]]:
        """The measurement of one kind, from the store or newly made."""

        def make(folder: Path) -> None:
            images = encoded(self.backbone, self.track, inputs.examples, inputs.seed)
            seed = generator(inputs.seed, inputs.position, inputs.kind)
            if inputs.adapter is None:
                tensors = measure_inputs(
                    self.backbone, inputs.model, images, inputs.draws, seed, inputs.settings
                )
            else:
                tensors = measure_fisher(
                    self.backbone,
                    inputs.model,
                    inputs.adapter,
                    images,
                    inputs.draws,
                    seed,
                    inputs.learns,
                    inputs.settings,
                )
            (folder / "measured.safetensors").write_bytes(packed_once(tensors))

        entry = self._remember("measurements", self._measure_key(inputs), make)
        return entry, open_measurement(entry)

    def _measure_key(self, inputs: MeasuringInputs) -> str:
        return digest_json(
            {
                "stage": f"measure-{STAGE_VERSION}",
                "backbone": self.backbone_digest,
                "kind": inputs.kind,
                "model": self._digest(inputs.model),
                "adapter": digest_tensors(flat(inputs.adapter)) if inputs.adapter else None,
                "examples": digest_examples(inputs.examples),
                "draws": inputs.draws,
                "seed": [inputs.seed, inputs.position],
                "numbers": inputs.settings.model_dump(mode="json"),
                "learns": inputs.learns,
            }
        )

    # sample -------------------------------------------------------------------------------------------------

    def sample(self, update: Update, tasks: Sequence[Task]) -> list[Entry]:
        """The images of each task's prompts by the model W0 + update.

        A batch never has two tasks: its other rows move an image's last bit, and a resumed run must end with
        the same bytes."""
        digest = self._digest(update)
        with ExitStack() as folding:
            return [
                self._sampled(update, digest, task.prompts, self.track.sampling, folding) for task in tasks
            ]

    def sample_key(self, update: Update, task: Task) -> str:
        """The key of the task's images by the model W0 + update."""
        return self._sample_key(digest_tensors(update), task.prompts, self.track.sampling)

    def _sampled(
        self, update: Update, digest: str, prompts: Sequence[str], settings: Sampling, folding: ExitStack
    ) -> Entry:
        def make(folder: Path) -> None:
            # once for all cells of a model, and only if one is sampled
            folding.enter_context(self.backbone.folded(update))
            images = sample(self.backbone, update, prompts, settings)
            write_sheet(images, settings.images_per_prompt, folder / "images.png")

        return self._remember("images", self._sample_key(digest, prompts, settings), make)

    def _sampling_settings(self) -> dict[str, Any]:
        return self.track.sampling.model_dump(mode="json", exclude={"batch"})

    def _sample_key(self, update: str, prompts: Sequence[str], settings: Sampling) -> str:
        return digest_json(
            {
                "stage": f"sample-{STAGE_VERSION}",
                "backbone": self.backbone_digest,
                "update": update,
                "prompts": list(prompts),
                "numbers": settings.model_dump(mode="json", exclude={"batch"}),
            }
        )

    def _sheet(self, entry: Entry) -> list[Image.Image]:
        return read_sheet(entry.folder / "images.png", self.track.backbone.resolution)

    # score --------------------------------------------------------------------------------------------------

    def score(self, name: str, images: Entry, task: Task) -> tuple[float, Entry]:
        """The cell's score by a metric, and its entry (with the score of every image, if the metric has
        one)."""
        loaded = self.loaded(name)
        inputs: dict[str, Any] = {
            "stage": f"score-{STAGE_VERSION}",
            "images": images.key,
            "metric": [name, loaded.digest],
        }
        # what the function does not see is no part of the key
        if loaded.kind == "score":
            inputs["prompts"] = list(task.plain_prompts)
        else:
            inputs["references"] = [image_digest(p) for p in task.references]

        def make(folder: Path) -> None:
            scores = self._score_cell(name, loaded, self._sheet(images), task)
            (folder / "scores.json").write_text(json.dumps(scores.to_json()))

        entry = self._remember("scores", digest_json(inputs), make)
        return CellScores(**json.loads((entry.folder / "scores.json").read_text())).cell, entry

    def _score_cell(self, name: str, loaded: Loaded, images: list[Image.Image], task: Task) -> CellScores:
        if loaded.kind == "embed":
            return CellScores(tuple(score(embed(loaded.metric, images), self._references(loaded, task))))
        if loaded.kind == "score":
            each = len(images) // len(task.plain_prompts)
            prompts = [prompt for prompt in task.plain_prompts for _ in range(each)]
            return CellScores(tuple(score_images(name, loaded.metric, loaded.scale, images, prompts)))
        others = [load_image(path) for path in task.references]
        return CellScores(of_set=compare_sets(name, loaded.metric, loaded.scale, images, others, False))

    def drift(self, name: str, before: Entry, after: Entry) -> float:
        """How far a set metric sees the images of `after` from those of `before`: the same prompts and noise,
        another model."""
        loaded = self.loaded(name)
        if loaded.kind != "compare":
            raise BadInput(
                f"metric {name} compares no sets of images (it has no compare): it cannot measure drift"
            )
        images, others = self._sheet(after), self._sheet(before)
        return compare_sets(name, loaded.metric, loaded.scale, images, others, True)

    def _references(self, loaded: Loaded, task: Task) -> np.ndarray:
        """The references' embeddings, computed once a run."""
        key = loaded.metric.name, task.references
        if key not in self._features:
            self._features[key] = embed(loaded.metric, [load_image(path) for path in task.references])
        return self._features[key]

    def _digest(self, update: Update) -> str:
        """The digest of an update. The last one is remembered: the model that was sampled is often the one
        under the next adapter, and a full-size update has a gigabyte."""
        if self._digested is None or self._digested[0] is not update:
            self._digested = update, digest_tensors(update)
        return self._digested[1]

    # store --------------------------------------------------------------------------------------------------

    def _remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Entry:
        def timed(folder: Path) -> None:
            reset_peak_memory(self.device)
            began = time.perf_counter()
            make(folder)
            seconds, peak = time.perf_counter() - began, peak_memory(self.device)
            cost = {"seconds": seconds, "peak_bytes": peak, "device": device_name(self.device)}
            (folder / COST).write_text(json.dumps(cost))

        folder = self.store.remember(kind, key, timed)
        cost = read_cost(folder)
        return Entry(key, folder, cost["seconds"], cost.get("peak_bytes", 0), cost.get("device", ""))


def open_workbench(
    track: Track, results: Results, device: str = "auto", texts: Sequence[str] = ()
) -> Workbench:
    """The workbench of a track on a results folder; BadInput for a device that this machine does not have."""
    silence_libraries()  # before the libraries that speak at their import
    return Workbench(track, results.store, pick(device), texts)


def digest_examples(examples: Sequence[Example]) -> list[tuple[str, str]]:
    """Identity of training images: the digest of each, and its caption."""
    return [(image_digest(e.image), e.prompt) for e in examples]


def _digest_rehearsal(rehearsal: RehearsalInputs) -> list[Any]:
    dreams = [rehearsal.dreams.entry.key, *rehearsal.dreams.captions] if rehearsal.dreams else None
    return [digest_examples(rehearsal.examples), dreams, rehearsal.weight, rehearsal.target]
