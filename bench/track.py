"""A track: the frozen protocol that a run follows, parsed once from its YAML file."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from cbench.errors import BadInput
from cbench.utils.digest import digest_json
from cbench.utils.names import Slug
from cbench.utils.text import first_fault, read_yaml
from cbench.utils.values import Frozen, Grown


class VaeSpec(Frozen):
    """An autoencoder to use in place of the pipeline's own."""

    path: str
    """A folder or a hub id, as the backbone's."""
    revision: str | None = None


class BackboneSpec(Grown):
    """Which pipeline stands behind the track."""

    later = ("vae",)

    path: str
    """A folder (relative ones start at the package's assets) or a hub id."""
    revision: str | None = None
    digest: str | None = None
    """Digest of the weights; a folder that holds others is refused."""
    resolution: int = Field(ge=8, le=8192, multiple_of=8)
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    vae: VaeSpec | None = None


def check_trainable(dtype: str) -> None:
    """BadInput for a backbone's precision that training cannot use."""
    if dtype == "float16":
        raise BadInput(
            "float16 cannot hold the gradients of a training; write dtype: bfloat16 or float32 in the track"
        )


class Prior(Frozen):
    """Prior preservation (Ruiz et al. 2023): images of the base model itself join every batch."""

    prompts: tuple[str, ...]
    images_per_prompt: int = Field(ge=1)
    batch: int = Field(ge=1)
    """Prior images in each batch, beside the task's own."""
    weight: float = Field(gt=0)


class Training(Grown):
    """How one task trains its adapter. LoRA's alpha equals its rank: no further scale."""

    later = ("optimizer", "schedule")

    rank: int = Field(ge=1)
    layers: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Ends of the names of the adapted layers."""
    inside: tuple[str, ...] = ("",)
    """Only layers whose name holds one of these (`attn2`: cross-attention)."""
    steps: int = Field(ge=1)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the learning rate goes over a task's steps: it stays, or falls to zero."""
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(gt=0)
    flip: bool = False
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    """`adamw8bit` keeps its state in 8 bits (bitsandbytes, on a GPU); where that is not to be had, plain
    AdamW."""
    prior: Prior | None = None


class Sampling(Frozen):
    """How a model is asked for images."""

    steps: int = Field(ge=1)
    guidance: float = Field(ge=0)
    guidance_rescale: float = Field(default=0, ge=0, le=1)
    scheduler: str
    """A scheduler class of diffusers; its numbers are the backbone's own."""
    images_per_prompt: int = Field(ge=1)
    noise_seed: int = 42
    batch: int = Field(ge=1)
    """Images in flight; has no part in the result's identity."""


class SuiteSpec(Grown):
    """The data and the metrics behind a suite."""

    later = ("training",)

    dataset: str
    options: dict[str, Any] = {}
    metrics: tuple[Slug, ...] = Field(min_length=1)
    training: dict[str, Any] = {}
    """Fields of the track's training that are others in this suite."""

    @field_validator("options", "training")
    @classmethod
    def _has_a_digest(cls, values: dict[str, Any]) -> dict[str, Any]:
        json.dumps(values, default=str, allow_nan=False)  # ValueError: pydantic would write NaN as null
        return values


class CompanionSpec(Frozen):
    """What the measures beside the concept scores are taken with."""

    text: str | None = None
    """A metric that reads texts too; without it there is no prompt alignment."""
    generic: tuple[str, ...] = ()
    """Prompts that name no concept of any stream; without them there is no drift of the base model."""


class Track(Frozen):
    """A frozen, versioned protocol."""

    name: Slug
    version: int = Field(ge=1)
    summary: str
    backbone: BackboneSpec
    training: Training
    sampling: Sampling
    suites: dict[Slug, SuiteSpec] = Field(min_length=1)
    orders: tuple[int, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    companions: CompanionSpec = CompanionSpec()
    """No part of the digest: the measures carry one of their own, so a published track may gain them."""

    @model_validator(mode="after")
    def _each_once(self) -> "Track":
        lists = {
            "orders": self.orders,
            "seeds": self.seeds,
            **{f"metrics of {name}": spec.metrics for name, spec in self.suites.items()},
        }
        for what, listed in lists.items():
            if len(set(listed)) < len(listed):
                raise ValueError(f"{what}: one is there twice")
        return self

    @model_validator(mode="after")
    def _own_training_fits(self) -> "Track":
        for name in self.suites:
            try:
                self.of(name)
            except ValidationError as error:
                raise ValueError(f"suites.{name}.training.{first_fault(error)}") from error
        return self

    def of(self, suite: str) -> "Track":
        """The track with the suite's own numbers of training; only for the stages: its digest is another."""
        own = self.suites[suite].training
        if not own:
            return self
        return self.model_copy(
            update={"training": Training.model_validate(self.training.model_dump(mode="json") | own)}
        )

    @property
    def digest(self) -> str:
        """Identity of the protocol: numbers of different digests never share a table."""
        return digest_json(
            self.model_dump(mode="json", exclude={"summary": True, "companions": True, "sampling": {"batch"}})
        )


def parse(path: Path) -> Track:
    """The track in a YAML file; BadInput names the file and the field that is wrong."""
    try:
        return Track.model_validate(read_yaml(path, "track file"))
    except ValidationError as error:
        raise BadInput(f"track file {path}: {first_fault(error)}") from error
