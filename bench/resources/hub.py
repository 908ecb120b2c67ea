"""Files and folders from the Hugging Face hub, where they lie on this machine. Nothing here downloads:
`cbench prepare` does."""

from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.resources.completeness import is_truncated
from cbench.resources.paths import weights_home
from cbench.utils.text import megabytes


class HubFile(NamedTuple):
    """One file of weights."""

    repo: str
    name: str
    revision: str | None
    sha256: str | None
    """Where known, a file that differs is refused."""
    size: int
    """Bytes; a rounded number is rounded down."""
    licence: str
    also: str = ""
    """Another name that the same weights may have where a user put them, a safetensors file."""


def existing_copies(file: HubFile) -> list[Path]:
    """The file below the weights home, and in the Hugging Face cache: those of them that are there, whole or
    not."""
    from huggingface_hub import try_to_load_from_cache

    own = [weights_home() / file.repo / name for name in (file.also, file.name) if name]
    cached = try_to_load_from_cache(file.repo, file.name, revision=file.revision)
    return [p for p in own if p.is_file()] + ([Path(cached)] if isinstance(cached, str) else [])


def search_file(file: HubFile) -> tuple[Path | None, str | None]:
    """The file, or None and what is wrong with the one that lies there."""
    faults = [(path, size_mismatch(path, file)) for path in existing_copies(file)]
    found = next((path for path, told in faults if told is None), None)
    return found, None if found or not faults else faults[0][1]


def size_mismatch(path: Path, file: HubFile) -> str | None:
    """Why this cannot be the published file, as far as its size and its head tell."""
    size = path.stat().st_size
    if path.suffix == ".safetensors" and is_truncated(path):
        return f"{path} is cut short"
    if file.sha256 and path.name == file.name and not file.size <= size <= 1.01 * file.size:
        return f"{path} has {size} bytes, the published one {megabytes(file.size)}"
    return None


def need_file(file: HubFile, what: str) -> Path:
    """The file; BadInput says who needs it, what it is, and where to put it. One that is not whole is given:
    to load it says why."""
    found = search_file(file)[0] or next(iter(existing_copies(file)), None)
    if found is None:
        place = weights_home() / file.repo / file.name
        raise BadInput(
            f"{what} needs {file.name} of {file.repo} ({megabytes(file.size)}): run `cbench prepare`, or "
            f"put it at {place}"
        )
    return found


def check_file(path: Path, file: HubFile) -> str:
    """The file's sha256; BadInput where it is not the published one (a download that broke off, or other
    weights)."""
    with path.open("rb") as opened:
        found = file_digest(opened, "sha256").hexdigest()
    if file.sha256 and path.name == file.name and found != file.sha256:
        raise BadInput(
            f"{path} is not the published {file.name} of {file.repo} (sha256 {found[:12]}, wanted "
            f"{file.sha256[:12]}); "
            "remove it and fetch it again"
        )
    return found


def folders(repo: str, revision: str | None, file: str) -> list[Path]:
    """Where a model's folder may lie: below the weights home, and the snapshot in the Hugging Face cache that
    has this file of it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(repo, file, revision=revision)
    except HFValidationError:
        cached = None
    return [weights_home() / repo, *([Path(cached).parent] if isinstance(cached, str) else [])]
