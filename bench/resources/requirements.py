"""The requirements of a track: weights and data, with their sources and their paths on this machine."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cbench.plugins import registry
from cbench.resources.completeness import incomplete_downloads
from cbench.resources.hub import HubFile, search_file
from cbench.resources.locate import on_hub, parts, search
from cbench.resources.paths import data_home, weights_home
from cbench.track import Track
from cbench.utils.files import ASSETS
from cbench.utils.text import megabytes


class Source(NamedTuple):
    """What is known about a hub repository without asking the hub."""

    size: int
    """Bytes to download, rounded."""
    licence: str
    files: tuple[str, ...] = ()
    """Patterns of the files to download; empty: all files."""
    gated: bool = False
    """Whether the hub gives it only to users who have accepted its licence on its page."""

    @property
    def terms(self) -> str:
        """The licence, and how to accept it if it is gated."""
        gate = ", gated: accept it on its page, then `hf auth login`" if self.gated else ""
        return self.licence + gate


PIPELINE = (
    "*.json",
    "*.txt",
    "*/*.json",
    "*/*.txt",
    "unet/diffusion_pytorch_model.safetensors",
    "text_encoder*/model.safetensors",
)
TRANSFORMER = (
    *("*.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.jinja"),
    *("transformer/diffusion_pytorch_model.safetensors", "transformer/diffusion_pytorch_model-*.safetensors"),
    *("text_encoder*/model.safetensors", "text_encoder*/model-*.safetensors"),
    "vae/diffusion_pytorch_model.safetensors",
)


SOURCES = {
    "stabilityai/stable-diffusion-xl-base-1.0": Source(
        13_900_000_000, "CreativeML Open RAIL++-M", (*PIPELINE, "vae/*model.safetensors")
    ),
    "madebyollin/sdxl-vae-fp16-fix": Source(
        335_000_000, "MIT", ("config.json", "diffusion_pytorch_model.safetensors")
    ),
    "stable-diffusion-v1-5/stable-diffusion-v1-5": Source(
        4_300_000_000, "CreativeML Open RAIL-M", (*PIPELINE, "vae/*model.safetensors")
    ),
    "stabilityai/stable-diffusion-3.5-medium": Source(
        16_300_000_000, "Stability AI Community License", TRANSFORMER, gated=True
    ),
    "black-forest-labs/FLUX.2-klein-base-4B": Source(16_000_000_000, "Apache 2.0", TRANSFORMER),
    "google/dreambooth": Source(22_000_000, "CC BY 4.0"),
    "OPTML-Group/UnlearnCanvas": Source(77_000_000_000, "see its page", ("*.parquet", "*.md")),
}


DATA = {"dreambooth": "google/dreambooth", "unlearn_canvas": "OPTML-Group/UnlearnCanvas"}
"""Data set -> hub id."""


class Requirement(NamedTuple):
    """One thing that a track requires."""

    kind: Literal["pipeline", "autoencoder", "encoder", "data"]
    name: str
    """Hub id, or the folder that a track names."""
    revision: str | None
    source: Source | None
    """None if it cannot be downloaded."""
    manual_path: Path
    """The path for a copy put there by hand."""
    path: Path | None
    """The path of a complete copy; None if there is none."""
    reason: str | None = None
    """Why an existing copy is incomplete."""
    file: HubFile | None = None

    @property
    def at(self) -> str:
        """The name with the full revision, if one is pinned, for a download by hand."""
        return f"{self.name} at revision {self.revision}" if self.revision else self.name

    @property
    def state(self) -> Literal["present", "incomplete", "missing"]:
        """Whether a complete copy is present, an incomplete one, or none."""
        if self.path:
            return "present"
        return "incomplete" if self.reason else "missing"

    def to_line(self) -> str:
        """`missing autoencoder madebyollin/sdxl-vae-fp16-fix at revision 207b116d.. (335 MB, MIT) PATH`; if
        it is incomplete, the reason in place of the path."""
        size = megabytes(self.source.size) if self.source and self.source.size else "size unknown"
        licence = self.source.terms if self.source else "your own"
        detail = self.path or self.reason or self.manual_path
        return f"{self.state:<10} {self.kind:<12} {self.at}  ({size}, {licence})  {detail}"

    def to_json(self) -> dict[str, Any]:
        """The requirement for programs."""
        return {
            "kind": self.kind,
            "name": self.name,
            "revision": self.revision,
            "state": self.state,
            "path": str(self.path) if self.path else None,
            "manual_path": str(self.manual_path),
            "reason": self.reason,
            "size": self.source.size if self.source else None,
            "licence": self.source.licence if self.source else None,
            "gated": self.source.gated if self.source else None,
        }


def requirements(track: Track, suites: Iterable[str]) -> list[Requirement]:
    """All requirements of these suites of a track, without duplicates, with the diagnostics' metrics."""
    needs, companions = [*weights(track)], track.companions
    metrics = ([companions.text] if companions.text else []) + [*companions.drift]
    needs += [need for name in metrics if (need := _encoder(name))]
    for suite in suites:
        spec = track.suites[suite]
        needs += [need for name in spec.metrics if (need := _encoder(name))]
        needs += [need] if (need := _data(spec.dataset, spec.options)) else []
    return list(dict.fromkeys(needs))


def weights(track: Track) -> Iterable[Requirement]:
    """The backbone's pipeline, and its autoencoder if the track names one."""
    for kind, model in zip(("pipeline", "autoencoder"), parts(track.backbone), strict=False):
        hub = on_hub(model.path, ASSETS)
        manual_path = weights_home() / model.path if hub else ASSETS / model.path
        source = SOURCES.get(model.path, Source(0, "see its page")) if hub else None
        yield Requirement(kind, model.path, model.revision, source, manual_path, *search(model, ASSETS))  # type: ignore[arg-type]


def _encoder(name: str) -> Requirement | None:
    """A metric's weights file; None for a metric without one."""
    file = getattr(registry.load("metrics", name), "weights", None)
    if not isinstance(file, HubFile):
        return None
    source, manual_path = Source(file.size, file.licence), weights_home() / file.repo / file.name
    return Requirement("encoder", file.repo, file.revision, source, manual_path, *search_file(file), file)


def _data(dataset: str, options: dict[str, Any]) -> Requirement | None:
    """A published data set; None for the user's own stream, whose file names its images."""
    if dataset not in DATA:
        return None
    hub_id, folder = DATA[dataset], data_home() / str(options.get("path", dataset))
    names = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
    complete = any(not name.startswith(".") for name in names) and not incomplete_downloads(folder)
    reason = f"the download into {folder} was interrupted" if names and not complete else None
    path = folder if complete else None
    return Requirement("data", hub_id, None, SOURCES[hub_id], folder, path, reason)
