"""The workbench of a run: the three stages, each result remembered in the store under the digest of its
inputs."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as packed

from cbench.backbone.backbone import Backbone
from cbench.backbone.device import peak_memory, reset_peak_memory, silence_libraries
from cbench.backbone.load import identity, open_backbone
from cbench.errors import BadInput
from cbench.method import Memory, Method
from cbench.metric import Metric
from cbench.plugins import registry
from cbench.plugins.hooks import ask
from cbench.plugins.isolation import isolated, plugin_label
from cbench.plugins.methods import reference
from cbench.plugins.mutation import assert_unmodified
from cbench.resources.paths import ASSETS
from cbench.stages.optimizer import optimizer_told
from cbench.stages.sample import sample
from cbench.stages.score import embed, score
from cbench.stages.train import EncodedImages, encode_images, train
from cbench.store.store import COST, Store
from cbench.task import Example, Task
from cbench.track import Sampling, Track
from cbench.update import Adapter, Update, flat, gaussian, unflat
from cbench.utils.digest import digest_file, digest_json, digest_tensors
from cbench.utils.images import load_image, read_sheet, square, write_sheet

STAGE_VERSION = 1
"""Raised when a stage's numbers change: older entries are then no longer found."""

file_digest = lru_cache(maxsize=None)(digest_file)


class Entry(NamedTuple):
    """An entry of the store: its key, its folder, and what making it took: seconds, and at most so many bytes
    of memory."""

    key: str
    folder: Path
    seconds: float
    peak_bytes: int = 0


class Workbench:
    """Backbone, encoders and store of one track; everything heavy is opened when it is first needed."""

    def __init__(
        self, track: Track, store: Store, device: str, tell: Callable[[str, int, float], None]
    ) -> None:
        self.track, self.store, self.device, self.tell = track, store, device, tell
        silence_libraries()
        self._prior: EncodedImages | None = None
        self._features: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}
        self._metrics: dict[str, Metric] = {}

    @cached_property
    def backbone(self) -> Backbone:
        """The pipeline, loaded."""
        return open_backbone(self.track.backbone, ASSETS, self.device, self.track.training.layers)

    @cached_property
    def backbone_digest(self) -> str:
        """Identity of the weights and their precision."""
        return identity(self.track.backbone, ASSETS)

    def metric(self, name: str) -> Metric:
        """An encoder, loaded once."""
        if name not in self._metrics:
            made = registry.load("metrics", name)
            with isolated(plugin_label("metrics", name)):
                self._metrics[name] = made(self.device)
        return self._metrics[name]

    # train --------------------------------------------------------------------------------------------------
    # ---------

    def train(
        self, method: Method, memory: Memory, task: Task, seed: int, position: int
    ) -> tuple[Entry, Adapter]:
        """The adapter that the method has after training on the task, from the store or newly made."""
        fresh = gaussian(
            self.backbone.layers(self.track.training), self.track.training.rank, seed * 1000 + position
        )
        start, frozen = ask(method, "start", memory, fresh), ask(method, "frozen", memory)
        examples = ask(method, "examples", memory, task)
        key = self._train_key(method, memory, frozen, start, examples, seed)
        numbers = self.track.training

        def make(folder: Path) -> None:
            own = encode_images(
                self.backbone,
                self.open_images([e.image for e in examples]),
                [e.prompt for e in examples],
                numbers.flip,
            )
            prior = self._shown_prior()
            if _punishes(method):
                with assert_unmodified(
                    f"{plugin_label('methods', method.name)} (penalty)", memory
                ):  # a look in every step would take too long
                    trained = train(
                        self.backbone,
                        frozen,
                        start,
                        own,
                        prior,
                        seed,
                        numbers,
                        partial(ask, method, "penalty", memory),
                    )
            else:
                trained = train(self.backbone, frozen, start, own, prior, seed, numbers, lambda live: None)
            (folder / "adapter.safetensors").write_bytes(
                packed(flat(trained))
            )  # an OSError where the disk is full

        made = self._remember("adapters", key, make)
        self.tell("train", 1, made.seconds)
        return made, open_adapter(made)

    def _train_key(
        self,
        method: Method,
        memory: Memory,
        frozen: Update,
        start: Adapter,
        examples: Sequence[Example],
        seed: int,
    ) -> str:
        inputs: dict[str, Any] = {
            "stage": f"train-{STAGE_VERSION}",
            "backbone": self.backbone_digest,
            "frozen": digest_tensors(frozen),
            "start": digest_tensors(flat(start)),
            "examples": [(file_digest(e.image), e.prompt) for e in examples],
            "seed": seed,
            "numbers": self.track.training.model_dump(mode="json")
            | optimizer_told(self.track.training, self.device),
            "sampling": self._sampling_numbers() if self.track.training.prior else None,
            "penalty": [reference(method).model_dump(mode="json"), _digest_memory(memory)]
            if _punishes(method)
            else None,
        }
        return digest_json(inputs)

    def open_images(self, paths: Sequence[Path]) -> list[Image.Image]:
        """The images at the backbone's resolution."""
        return [square(load_image(path), self.track.backbone.resolution) for path in paths]

    def _shown_prior(self) -> EncodedImages | None:
        """The base model's own images of the prior prompts, encoded once."""
        prior = self.track.training.prior
        if prior and self._prior is None:
            numbers = self.track.sampling.model_copy(update={"images_per_prompt": prior.images_per_prompt})
            with ExitStack() as folding:
                entry = self._sampled({}, digest_tensors({}), prior.prompts, numbers, folding)
            images = read_sheet(entry.folder / "images.png", self.track.backbone.resolution)
            captions = [p for p in prior.prompts for _ in range(prior.images_per_prompt)]
            self._prior = encode_images(self.backbone, images, captions)
        return self._prior

    # sample -------------------------------------------------------------------------------------------------
    # ---------

    def sample(self, update: Update, tasks: Sequence[Task]) -> list[Entry]:
        """The images of each task's prompts by the model W0 + update.

        A batch never holds two tasks: what shares a batch moves an image's last bit, and a resumed run must
        end with the same bytes."""
        identity = digest_tensors(update)
        with ExitStack() as folding:
            made = [
                self._sampled(update, identity, task.prompts, self.track.sampling, folding) for task in tasks
            ]
        for entry in made:
            self.tell("sample", 1, entry.seconds)
        return made

    def _sampled(
        self, update: Update, identity: str, prompts: Sequence[str], numbers: Sampling, folding: ExitStack
    ) -> Entry:
        def make(folder: Path) -> None:
            folding.enter_context(
                self.backbone.folded(update)
            )  # once for all cells of a model, and only where one is sampled
            write_sheet(
                sample(self.backbone, update, prompts, numbers),
                numbers.images_per_prompt,
                folder / "images.png",
            )

        return self._remember("images", self._sample_key(identity, prompts, numbers), make)

    def _sampling_numbers(self) -> dict[str, Any]:
        return self.track.sampling.model_dump(mode="json", exclude={"batch"})

    def _sample_key(self, update: str, prompts: Sequence[str], numbers: Sampling) -> str:
        return digest_json(
            {
                "stage": f"sample-{STAGE_VERSION}",
                "backbone": self.backbone_digest,
                "update": update,
                "prompts": list(prompts),
                "numbers": numbers.model_dump(mode="json", exclude={"batch"}),
            }
        )

    # score --------------------------------------------------------------------------------------------------
    # ---------

    def score(self, name: str, images: Entry, task: Task) -> tuple[float, Entry]:
        """The cell's score by a metric, and its entry (which holds the score of every image)."""
        metric = self.metric(name)
        references = tuple(file_digest(p) for p in task.references)
        inputs = {
            "stage": f"score-{STAGE_VERSION}",
            "images": images.key,
            "references": references,
            "metric": [name, metric.digest],
        }

        def make(folder: Path) -> None:
            shown = read_sheet(images.folder / "images.png", self.track.backbone.resolution)
            scores = score(embed(metric, shown), self._references(metric, references, task))
            (folder / "scores.json").write_text(json.dumps({"per_image": scores}))

        made = self._remember("scores", digest_json(inputs), make)
        self.tell("score", 1, made.seconds)
        return float(np.mean(json.loads((made.folder / "scores.json").read_text())["per_image"])), made

    def _references(self, metric: Metric, digests: tuple[str, ...], task: Task) -> np.ndarray:
        """The references' embeddings, made once a run."""
        if (metric.name, digests) not in self._features:
            self._features[metric.name, digests] = embed(metric, [load_image(p) for p in task.references])
        return self._features[metric.name, digests]

    # store --------------------------------------------------------------------------------------------------
    # ---------

    def _remember(self, kind: str, key: str, make: Callable[[Path], None]) -> Entry:
        def timed(folder: Path) -> None:
            reset_peak_memory(self.device)
            began = time.perf_counter()
            make(folder)
            (folder / COST).write_text(
                json.dumps({"seconds": time.perf_counter() - began, "peak_bytes": peak_memory(self.device)})
            )

        folder = self.store.remember(kind, key, timed)
        cost = json.loads((folder / COST).read_text())
        return Entry(key, folder, cost["seconds"], cost.get("peak_bytes", 0))


def cited_entry(store: Store, kind: str, key: str) -> Entry:
    """An entry that a record cites; BadInput where it is gone."""
    return Entry(key, store.require(kind, key), 0.0)


def open_adapter(made: Entry) -> Adapter:
    """The adapter of an entry."""
    try:
        return unflat(load_file(made.folder / "adapter.safetensors"))
    except SafetensorError as error:
        raise BadInput(f"adapter in {made.folder} cannot be read: {error}") from error


def _punishes(method: Method) -> bool:
    return type(method).penalty is not Method.penalty


def _digest_memory(memory: Memory) -> str:
    parts = {f"update.{k}": v for k, v in memory.update.items()} | {
        f"extra.{k}": v for k, v in memory.extra.items()
    }
    return digest_tensors(parts | flat(memory.adapter or {}))
