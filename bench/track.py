"""A track: the frozen protocol that a run follows, parsed once from its YAML file."""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cbench.digest import digest_json
from cbench.errors import BadInput


class Frozen(BaseModel):
    """A value: immutable, and an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BackboneSpec(Frozen):
    """Which pipeline stands behind the track."""

    path: str
    """A folder (relative ones start at the package's assets) or a hub id."""
    revision: str | None = None
    digest: str | None = None
    """Digest of the weights; a folder that holds others is refused."""
    resolution: int
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"


class Prior(Frozen):
    """Prior preservation (Ruiz et al. 2023): images of the base model itself join every batch."""

    prompts: tuple[str, ...]
    images_per_prompt: int = Field(ge=1)
    batch: int = Field(ge=1)
    """Prior images in each batch, beside the task's own."""
    weight: float = Field(gt=0)


class Training(Frozen):
    """How one task trains its adapter. LoRA's alpha equals its rank: no further scale."""

    rank: int = Field(ge=1)
    layers: tuple[str, ...] = ("to_q", "to_k", "to_v", "to_out.0")
    """Ends of the names of the adapted layers."""
    inside: tuple[str, ...] = ("",)
    """Only layers whose name holds one of these (`attn2`: cross-attention)."""
    steps: int = Field(ge=1)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    max_grad_norm: float = Field(gt=0)
    flip: bool = False
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


class SuiteSpec(Frozen):
    """The data and the metrics behind a suite."""

    dataset: str
    options: dict[str, Any] = {}
    metrics: tuple[str, ...] = Field(min_length=1)


class Track(Frozen):
    """A frozen, versioned protocol."""

    name: str
    version: int = Field(ge=1)
    summary: str
    backbone: BackboneSpec
    training: Training
    sampling: Sampling
    suites: dict[str, SuiteSpec]
    orders: tuple[int, ...] = Field(min_length=1)
    seeds: tuple[int, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """Identity of the protocol: numbers of different digests never share a table."""
        return digest_json(self.model_dump(mode="json", exclude={"summary": True, "sampling": {"batch"}}))


def parse(path: Path) -> Track:
    """The track in a YAML file; BadInput names the file and the field that is wrong."""
    try:
        return Track.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise BadInput(f"track file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"track file {path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"track file {path}: {'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}") from error
