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
from cbench.entries import Entry, open_adapter, open_measurement, packed_once
from cbench.inputs import Dreams, MeasuringInputs, RehearsalInputs, TrainingInputs
from cbench.metric import Metric
from cbench.plugins import registry
from cbench.plugins.check_captions import cut_captions, first_lines
from cbench.plugins.encoders import embed
from cbench.plugins.isolation import isolated, plugin_label
from cbench.results import Results
from cbench.stages.measure import measure_fisher, measure_inputs
from cbench.stages.optimizer import optimizer_key
from cbench.stages.sample import sample
from cbench.stages.score import score
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
        self._features: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}
        self._metrics: dict[str, Metric] = {}

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

    def metric(self, name: str) -> Metric:
        """An encoder, loaded once."""
        if name not in self._metrics:
            encoder = registry.load("metrics", name)
            with isolated(plugin_label("metrics", name)):
                self._metrics[name] = encoder(self.device)
        return self._metrics[name]

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
            "frozen": digest_tensors(inputs.frozen),
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
            entry = self._sampled(update, digest_tensors(update), prompts, settings, folding)
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
                "model": digest_tensors(inputs.model),
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
        digest = digest_tensors(update)
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
        """The cell's score by a metric, and its entry (with the score of every image)."""
        metric = self.metric(name)
        references = tuple(image_digest(p) for p in task.references)
        inputs = {
            "stage": f"score-{STAGE_VERSION}",
            "images": images.key,
            "references": references,
            "metric": [name, metric.digest],
        }

        def make(folder: Path) -> None:
            scores = score(embed(metric, self._sheet(images)), self._references(metric, references, task))
            (folder / "scores.json").write_text(json.dumps({"per_image": scores}))

        entry = self._remember("scores", digest_json(inputs), make)
        return float(np.mean(json.loads((entry.folder / "scores.json").read_text())["per_image"])), entry

    def _references(self, metric: Metric, digests: tuple[str, ...], task: Task) -> np.ndarray:
        """The references' embeddings, computed once a run."""
        if (metric.name, digests) not in self._features:
            self._features[metric.name, digests] = embed(metric, [load_image(p) for p in task.references])
        return self._features[metric.name, digests]

    # store --------------------------------------------------------------------------------------------------

    def _remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Entry:
        def timed(folder: Path) -> None:
            reset_peak_memory(self.device)
            began = time.perf_counter()
            make(folder)
            cost = {"seconds": time.perf_counter() - began, "peak_bytes": peak_memory(self.device)}
            (folder / COST).write_text(json.dumps(cost))

        folder = self.store.remember(kind, key, timed)
        cost = json.loads((folder / COST).read_text())
        return Entry(key, folder, cost["seconds"], cost.get("peak_bytes", 0))


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
