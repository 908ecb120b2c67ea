"""What a track needs beside cbench: weights and data, where each comes from, and where it lies on this
machine."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cbench.errors import BadInput
from cbench.plugins import registry
from cbench.resources.completeness import incomplete_downloads
from cbench.resources.hub import HubFile, search_file
from cbench.resources.locate import on_hub, parts, search
from cbench.resources.paths import ASSETS, data_home, weights_home
from cbench.track import Track
from cbench.utils.text import megabytes


class Source(NamedTuple):
    """What is known of something on the hub without asking it."""

    size: int
    """Bytes of what is fetched, rounded."""
    licence: str
    files: tuple[str, ...] = ()
    """Patterns of what is fetched; all files where empty."""


PIPELINE = (
    "*.json",
    "*.txt",
    "*/*.json",
    "*/*.txt",
    "unet/diffusion_pytorch_model.safetensors",
    "text_encoder*/model.safetensors",
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
    "google/dreambooth": Source(22_000_000, "CC BY 4.0"),
    "OPTML-Group/UnlearnCanvas": Source(77_000_000_000, "see its page", ("*.parquet", "*.md")),
}


DATA = {"dreambooth": "google/dreambooth", "unlearn_canvas": "OPTML-Group/UnlearnCanvas"}
"""Data set -> where the hub has it."""


class Requirement(NamedTuple):
    """One thing that a track needs."""

    kind: Literal["pipeline", "autoencoder", "encoder", "data"]
    name: str
    """Hub id, or the folder that a track names."""
    revision: str | None
    source: Source | None
    """None where it is nothing that can be fetched."""
    place: Path
    """Where it may be put by hand."""
    found: Path | None
    fault: str | None = None
    """Why what lies there is not whole."""
    file: HubFile | None = None

    @property
    def at(self) -> str:
        """The name, and the whole revision where one is pinned, to fetch it by hand."""
        return f"{self.name} at revision {self.revision}" if self.revision else self.name

    @property
    def line(self) -> str:
        """`missing  autoencoder  madebyollin/sdxl-vae-fp16-fix at revision 207b116d..  (335 MB, MIT)  PLACE`;
        `partial` with why."""
        state, where = (
            ("there", self.found)
            if self.found
            else ("partial", self.fault)
            if self.fault
            else ("missing", self.place)
        )
        size = megabytes(self.source.size) if self.source and self.source.size else "size unknown"
        return (
            f"{state:<8} {self.kind:<12} {self.at}  ({size}, "
            f"{self.source.licence if self.source else 'your own'})  {where}"
        )

    def told(self) -> dict[str, Any]:
        """The need for a program to read."""
        source = self.source._asdict() if self.source else {}
        places = {
            "place": str(self.place),
            "found": str(self.found) if self.found else None,
            "fault": self.fault,
        }
        return {
            "kind": self.kind,
            "name": self.name,
            "revision": self.revision,
            **places,
            "size": source.get("size"),
            "licence": source.get("licence"),
        }


def requirements(track: Track, suites: Iterable[str]) -> list[Requirement]:
    """Everything that these suites of a track need, each once; the text metric of the companions too."""
    found = [*weights(track)]
    found += [need] if track.companions.text and (need := _encoder(track.companions.text)) else []
    for suite in suites:
        spec = track.suites[suite]
        found += [need for name in spec.metrics if (need := _encoder(name))]
        found += [need] if (need := _data(spec.dataset, spec.options)) else []
    return list(dict.fromkeys(found))


def weights(track: Track) -> Iterable[Requirement]:
    """The backbone, and its autoencoder where that is another one."""
    for kind, wanted in zip(("pipeline", "autoencoder"), parts(track.backbone), strict=False):
        hub = on_hub(wanted.path, ASSETS)
        place = weights_home() / wanted.path if hub else ASSETS / wanted.path
        source = SOURCES.get(wanted.path, Source(0, "see its page")) if hub else None
        yield Requirement(kind, wanted.path, wanted.revision, source, place, *search(wanted, ASSETS))  # type: ignore[arg-type]


def _encoder(name: str) -> Requirement | None:
    """A metric's file of weights; None for a metric that names none."""
    file = getattr(registry.load("metrics", name), "weights", None)
    if not isinstance(file, HubFile):
        return None
    source = Source(file.size, file.licence)
    return Requirement(
        "encoder",
        file.repo,
        file.revision,
        source,
        weights_home() / file.repo / file.name,
        *search_file(file),
        file,
    )


def _data(dataset: str, options: dict[str, Any]) -> Requirement | None:
    """A published data set; None for a stream of the user's own, which names its images itself."""
    if dataset not in DATA:
        return None
    place = data_home() / str(options.get("path", dataset))
    there = {p.name for p in place.iterdir()} if place.is_dir() else set()
    whole = any(not name.startswith(".") for name in there) and not incomplete_downloads(place)
    told = f"the download into {place} broke off" if there and not whole else None
    return Requirement(
        "data", DATA[dataset], None, SOURCES[DATA[dataset]], place, place if whole else None, told
    )


def check_suites(track: Track, suite: str | None) -> list[str]:
    """The suites meant: one, or all; BadInput suggests the nearest."""
    from cbench.plugins.streams import spec_of

    if suite is not None:
        spec_of(track, suite)
    if not track.suites:
        raise BadInput(f"track {track.name} has no suites")
    return [suite] if suite else list(track.suites)
