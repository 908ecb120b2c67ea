"""A track: the frozen protocol of a run, parsed once from its YAML file."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from cbench.errors import BadInput
from cbench.utils.digest import digest_json
from cbench.utils.names import Slug
from cbench.utils.text import first_error, read_yaml
from cbench.utils.values import Frozen, Grown, Int, Real


class VaeSpec(Frozen):
    """An autoencoder that replaces the pipeline's own."""

    path: str
    """A folder or a hub id, like the backbone's."""
    revision: str | None = None


class BackboneSpec(Grown):
    """The diffusion pipeline of the track."""

    later = ("vae",)

    path: str
    """A folder (relative to the package's assets) or a hub id."""
    revision: str | None = None
    digest: str | None = None
    """Digest of the weights; a folder with other weights is refused."""
    resolution: Int = Field(ge=8, le=8192, multiple_of=8)
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    vae: VaeSpec | None = None


def check_trainable(dtype: str) -> None:
    """Raises BadInput for a backbone's precision that training cannot use."""
    if dtype == "float16":
        raise BadInput(
            "float16 cannot represent the gradients of training; write dtype: bfloat16 or float32 in the "
            "track"
        )


class Prior(Frozen):
    """Prior preservation (Ruiz et al. 2023): images of the base model are added to every batch."""

    prompts: tuple[str, ...]
    images_per_prompt: Int = Field(ge=1)
    batch: Int = Field(ge=1)
    """Prior images in each batch, in addition to the task's own."""
    weight: Real = Field(gt=0)


class Training(Grown):
    """How one task trains its adapter. LoRA's alpha equals its rank: the update has no further scale."""

    later = (
        *("optimizer", "schedule", "fresh", "resize", "crop", "sizes", "rows"),
        *("timesteps", "guidance"),
    )

    rank: Int = Field(ge=1)
    layers: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Suffixes of the names of the adapted layers."""
    inside: tuple[str, ...] = ("",)
    """Only layers whose name contains one of these (`attn2`: cross-attention)."""
    steps: Int = Field(ge=1)
    batch: Int = Field(ge=1)
    learning_rate: Real = Field(gt=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """The learning rate over a task's steps: constant, or falling to zero."""
    weight_decay: Real = Field(ge=0)
    max_grad_norm: Real = Field(gt=0)
    flip: bool = False
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    """`adamw8bit` keeps its state in 8 bits (bitsandbytes, GPU only); otherwise plain AdamW is used."""
    prior: Prior | None = None
    fresh: Literal["each", "same"] = "each"
    """The fresh A of a task: drawn for each task, or the same for all tasks of a run (the study seeds each
    task's process alike)."""
    resize: Literal["bicubic", "bilinear"] = "bicubic"
    """How training images are scaled to the resolution."""
    crop: Literal["center", "random"] = "center"
    """The square of a training image: its centre, or one random square an image, fixed by the run's seed."""
    sizes: Literal["target", "photograph"] = "target"
    """SDXL's size conditioning: the resolution uncropped, or the photograph's own size and crop corner."""
    rows: Literal["drawn", "epochs"] = "drawn"
    """The images of a step: drawn with replacement, or every image once an epoch in shuffled order."""
    timesteps: Literal["uniform", "logit_normal"] = "uniform"
    """The density of the timesteps that are trained on: uniform, or logit-normal with location 0 and scale 1
    (Esser et al. 2024, section 3.1; rectified flows only)."""
    guidance: Real = Field(default=3.5, ge=0)
    """The guidance embedded in training by a guidance-distilled transformer (FLUX.1-dev); no other reads
    it."""


class Sampling(Frozen):
    """How images are sampled from a model."""

    steps: Int = Field(ge=1)
    guidance: Real = Field(ge=0)
    guidance_rescale: Real = Field(default=0, ge=0, le=1)
    scheduler: str
    """A scheduler class of diffusers; its settings are the backbone's own."""
    images_per_prompt: Int = Field(ge=1)
    noise_seed: Int = 42
    batch: Int = Field(ge=1)
    """Images sampled at a time; the result does not depend on it."""


class ValidationSpec(Frozen):
    """A stream of other concepts than the suite's, on which `cbench tune` tries options."""

    dataset: str = "folder"
    options: dict[str, Any] = {}
    order: Int = 0
    seed: Int = 1
    """None of the track's seeds."""


class SuiteSpec(Grown):
    """The data and the metrics of a suite."""

    later = ("training", "validation")

    dataset: str
    options: dict[str, Any] = {}
    metrics: tuple[Slug, ...] = Field(min_length=1)
    training: dict[str, Any] = {}
    """Fields of the track's training that differ in this suite."""
    validation: ValidationSpec | None = None
    """Not in the track's digest: a published track may gain it."""

    @field_validator("options", "training")
    @classmethod
    def _has_a_digest(cls, values: dict[str, Any]) -> dict[str, Any]:
        json.dumps(values, default=str, allow_nan=False)  # ValueError: pydantic would write NaN as null
        return values


class PairSpec(Frozen):
    """Prompts that name two learned concepts of a suite.

    ```yaml
    companions:
      pairs:
        objects: {caption: "a photo of {}", prompt: "a photo of {} next to {}"}
    ```
    """

    caption: str
    """The training captions, with {} for the concept's words."""
    prompt: str
    """The prompt, with {} for the words of the first concept and of the second."""
    which: Literal["neighbours", "all"] = "neighbours"
    """The pairs: each learned concept and the next of the stream in its canonical order, the last with the
    first; or every two."""

    @model_validator(mode="after")
    def _has_its_gaps(self) -> "PairSpec":
        for name, text, gaps in (("caption", self.caption, 1), ("prompt", self.prompt, 2)):
            if text.count("{}") != gaps or text.replace("{}", "").count("{"):
                raise ValueError(f"{name} must have {{}} {'once' if gaps == 1 else 'twice'}")
        return self


class CompanionSpec(Grown):
    """The settings of the diagnostics."""

    later = ("drift", "pairs")

    text: str | None = None
    """A metric that also embeds texts; without it prompt alignment is not measured."""
    generic: tuple[str, ...] = ()
    """Prompts that name no concept of any stream; without them base similarity and drift are not measured."""
    drift: tuple[str, ...] = ()
    """Metrics that compare the sets of images of the generic prompts, by the final and by the base model."""
    pairs: dict[Slug, PairSpec] = {}
    """Suite -> prompts with two concepts; without them two concepts in one image are not measured."""

    @model_validator(mode="after")
    def _drift_of_images(self) -> "CompanionSpec":
        if self.drift and not self.generic:
            raise ValueError("drift needs generic prompts: their images are compared")
        if len(set(self.drift)) < len(self.drift):
            raise ValueError("drift has duplicates")
        return self


class Track(Frozen):
    """A frozen, versioned protocol."""

    name: Slug
    version: Int = Field(ge=1)
    summary: str
    backbone: BackboneSpec
    training: Training
    sampling: Sampling
    suites: dict[Slug, SuiteSpec] = Field(min_length=1)
    orders: tuple[Int, ...] = Field(min_length=1)
    seeds: tuple[Int, ...] = Field(min_length=1)
    companions: CompanionSpec = CompanionSpec()
    """Not in the track's digest, so that a published track may gain them: they have their own."""

    @model_validator(mode="after")
    def _no_duplicates(self) -> "Track":
        lists = {
            "orders": self.orders,
            "seeds": self.seeds,
            **{f"metrics of {name}": spec.metrics for name, spec in self.suites.items()},
        }
        for field, values in lists.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{field} has duplicates")
        return self

    @model_validator(mode="after")
    def _pairs_of_own_suites(self) -> "Track":
        for name in self.companions.pairs:
            if name not in self.suites:
                raise ValueError(f"companions.pairs.{name} is no suite of the track")
        return self

    @model_validator(mode="after")
    def _own_validation_seeds(self) -> "Track":
        for name, spec in self.suites.items():
            if spec.validation and spec.validation.seed in self.seeds:
                raise ValueError(f"suites.{name}.validation.seed is one of the track's own seeds")
        return self

    @model_validator(mode="after")
    def _own_training_fits(self) -> "Track":
        for name in self.suites:
            try:
                self.of(name)
            except ValidationError as error:
                raise ValueError(f"suites.{name}.training.{first_error(error)}") from error
        return self

    def of(self, suite: str) -> "Track":
        """The track with the suite's own training settings. For the stages only: its digest differs."""
        own = self.suites[suite].training
        if not own:
            return self
        training = Training.model_validate(self.training.model_dump(mode="json") | own)
        return self.model_copy(update={"training": training})

    @property
    def digest(self) -> str:
        """Identity of the protocol: numbers of different digests never share a table."""
        excluded = {"summary": True, "companions": True, "sampling": {"batch"}}
        protocol: dict[str, Any] = self.model_dump(mode="json", exclude=excluded)  # type: ignore[arg-type]
        for suite in protocol["suites"].values():
            suite.pop("validation", None)
        return digest_json(protocol)


def parse(path: Path) -> Track:
    """The track in a YAML file. Raises BadInput with the file and the invalid field."""
    try:
        return Track.model_validate(read_yaml(path, "track file"))
    except ValidationError as error:
        raise BadInput(f"track file {path}: {first_error(error)}") from error
