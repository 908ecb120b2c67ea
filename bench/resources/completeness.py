"""Weights that are there in part, as a download that broke off leaves them. Looked at are names, sizes and
heads of files, not contents."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

MODEL = ("config.json", "*.safetensors")


COMPONENTS = {
    "unet": MODEL,
    "vae": MODEL,
    "text_encoder": MODEL,
    "tokenizer": ("tokenizer_config.json", "tokenizer.json or vocab.json", "tokenizer.json or merges.txt"),
    "scheduler": ("scheduler_config.json",),
}
"""Kind of a pipeline's component -> the files without which it is none. A safety checker is never loaded."""


def fault(folder: Path, needed: Sequence[str], without: str = "") -> str | None:
    """What the folder lacks: a needed file, one of a component that its `model_index.json` names (but
    `without`), or the end of one."""
    patterns = [*needed, *components(folder, without)]
    lost = missing_file(folder, patterns)
    if lost is not None:
        return f"no {lost} in {folder}"
    weights = (
        path
        for pattern in patterns
        if pattern.endswith(".safetensors")
        for path in sorted(folder.glob(pattern))
    )
    return next((f"{path} is cut short" for path in weights if is_truncated(path)), None)


def missing_file(folder: Path, needed: Sequence[str]) -> str | None:
    """The first of the needed patterns (`this or that`) that no file in the folder fits."""

    def fits(pattern: str) -> bool:
        return any(path.is_file() for one in pattern.split(" or ") for path in folder.glob(one))

    return next((pattern for pattern in needed if not fits(pattern)), None)


def components(folder: Path, without: str) -> Iterator[str]:
    """Patterns of the files that the components of a pipeline need; none where the folder has no readable
    index."""
    try:
        named = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return
    for name, library in named.items() if isinstance(named, dict) else ():
        kind = re.sub(r"_\d+$", "", name)
        if kind in COMPONENTS and name != without and isinstance(library, list) and all(library):
            yield from (
                " or ".join(f"{name}/{one}" for one in pattern.split(" or ")) for pattern in COMPONENTS[kind]
            )


def is_truncated(path: Path) -> bool:
    """Whether a safetensors file is shorter than its head says, or has none; one that may not be read is left
    to who reads it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 + length:
                return True
            head = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in head.items() if name != "__metadata__"]
        return size < 8 + length + max(ends, default=0)
    except OSError:
        return False
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return True


def incomplete_downloads(folder: Path) -> list[Path]:
    """What the Hugging Face hub's client leaves in a folder of data while a file is on its way."""
    return list((folder / ".cache" / "huggingface").rglob("*.incomplete"))
