"""The files that a pipeline is loaded from, and their digest: the identity of its weights.

Whatever else lies in the folder (READMEs, `.cache`, other formats and precisions of the same weights, a
safety checker) is no part of it. Each component is opened by its name, so a symbolic link is followed."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cbench.utils.digest import digest_file, digest_json

INDEX = "model_index.json"
UNUSED = ("safety_checker",)
"""Components that are never loaded."""
HALF = "fp16"
"""The variant that is loaded if a component has no other weights."""
SETTINGS = {
    "adapter_config.json",
    "adapter_model.safetensors",
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "scheduler_config.json",
}
TOKENS = {
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
}


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if it cannot be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def components(folder: Path, without: str | None = None) -> dict[str, tuple[str, str]]:
    """The components that the index names and that are loaded, each with its library and class; not
    `without`, which another source replaces."""
    return {
        name: (str(library[0]), str(library[1]))
        for name, library in read_json(folder / INDEX).items()
        if isinstance(library, list)
        and len(library) == 2
        and all(library)
        and name.isidentifier()
        and name not in (*UNUSED, without)
    }


def variant_of(part: Path) -> str | None:
    """`fp16` if a component has weights in that variant alone, else None."""
    return HALF if not _weights(part, None) and _weights(part, HALF) else None


def weight_files(part: Path) -> list[Path]:
    """The files that a network's weights are loaded from."""
    return _weights(part, variant_of(part))


def _weights(part: Path, variant: str | None) -> list[Path]:
    """One file, or an index and the shards that it names; empty if there is none."""
    dot = f".{variant}" if variant else ""
    if {"architectures", "model_type"} & set(read_json(part / "config.json")):  # transformers
        return _single(part, f"model{dot}") or _shards(part, f"model.safetensors.index{dot}.json")
    stem = "diffusion_pytorch_model"
    return _shards(part, f"{stem}.safetensors.index{dot}.json") or _single(part, f"{stem}{dot}")


def _single(part: Path, stem: str) -> list[Path]:
    path = part / f"{stem}.safetensors"
    return [path] if path.is_file() else []


def _shards(part: Path, index: str) -> list[Path]:
    names = read_json(part / index).get("weight_map")
    if not isinstance(names, dict):
        return []
    shards = {str(name) for name in names.values()}
    return [part / index, *(part / name for name in shards if not Path(name).is_absolute())]


def component_files(part: Path) -> Iterator[Path]:
    """The files that loading one component reads: its settings, its vocabulary and its weights."""
    yield from (part / name for name in SETTINGS | TOKENS)
    yield from weight_files(part)


def own_files(folder: Path, without: str | None = None) -> list[Path]:
    """The files that loading a pipeline reads, as paths below the folder; of a folder without an index, those
    of one component."""
    if not (folder / INDEX).is_file():
        return _present(component_files(folder))
    parts = [folder / name for name in components(folder, without)]
    return _present([folder / INDEX, *(path for part in parts for path in component_files(part))])


def _present(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_file())


def digest_pipeline(folder: Path, without: str | None = None) -> str:
    """Digest of the pipeline's (or component's) own files, by relative name and bytes."""
    return digest_json(
        [(path.relative_to(folder).as_posix(), digest_file(path)) for path in own_files(folder, without)]
    )
