"""Finds incomplete weights, as an interrupted download leaves them. Checks names, sizes and headers only."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cbench.resources.pipeline_files import weight_files

MODEL = ("config.json", "*.safetensors")


COMPONENTS = {
    "unet": MODEL,
    "transformer": MODEL,
    "vae": MODEL,
    "text_encoder": MODEL,
    "tokenizer": ("tokenizer_config.json", "tokenizer.json or vocab.json", "tokenizer.json or merges.txt"),
    "scheduler": ("scheduler_config.json",),
}
"""Kind of a pipeline's component -> the files that it requires. A safety checker is never loaded."""


def incomplete_reason(folder: Path, needed: Sequence[str], without: str = "") -> str | None:
    """The first required file that is missing or truncated, as a message; None if the folder is complete.

    Required are the `needed` patterns and the files of every component in `model_index.json`, except the
    component `without`."""
    patterns = [*needed, *components(folder, without)]
    missing = missing_file(folder, patterns)
    if missing is not None:
        return f"no {missing} in {folder}"
    for part in {pattern.split("/")[0] for pattern in patterns if "/" in pattern}:
        absent = next((path for path in weight_files(folder / part) if not path.is_file()), None)
        if absent is not None:
            return f"no {absent.relative_to(folder)} in {folder}"
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)) if pattern.endswith(".safetensors") else ():
            if is_truncated(path):
                return f"{path} is truncated"
    return None


def missing_file(folder: Path, needed: Sequence[str]) -> str | None:
    """The first of the needed patterns (`this or that`) that no file in the folder matches, or None."""

    def matches(pattern: str) -> bool:
        return any(path.is_file() for one in pattern.split(" or ") for path in folder.glob(one))

    return next((pattern for pattern in needed if not matches(pattern)), None)


def components(folder: Path, without: str) -> Iterator[str]:
    """Patterns of the files that a pipeline's components require; empty without a readable index."""
    try:
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    for name, library in index.items() if isinstance(index, dict) else ():
        kind = re.sub(r"_\d+$", "", name)
        if kind in COMPONENTS and name != without and isinstance(library, list) and all(library):
            for pattern in COMPONENTS[kind]:
                yield " or ".join(f"{name}/{one}" for one in pattern.split(" or "))


def is_truncated(path: Path) -> bool:
    """Whether a safetensors file lacks a valid header or its end; False if it cannot be read."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 + length:
                return True
            header = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        return size < 8 + length + max(ends, default=0)
    except OSError:
        return False
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return True


def incomplete_downloads(folder: Path) -> list[Path]:
    """The temporary files of unfinished downloads by the Hugging Face client in a data folder."""
    return list((folder / ".cache" / "huggingface").rglob("*.incomplete"))
