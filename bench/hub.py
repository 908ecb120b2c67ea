"""Files and folders from the Hugging Face hub, where they lie on this machine. Nothing here downloads: `cbench prepare` does."""

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from cbench.errors import BadInput
from cbench.places import weights_home


class HubFile(NamedTuple):
    """One file of weights."""

    repo: str
    name: str
    revision: str | None
    sha256: str | None
    """Where known, a file that differs is refused."""
    size: int
    """Bytes."""
    licence: str
    also: str = ""
    """Another name that the same weights may have where a user put them, a safetensors file."""


def find_file(file: HubFile) -> Path | None:
    """The file below the weights home, else in the Hugging Face cache, else None."""
    from huggingface_hub import try_to_load_from_cache

    own = [weights_home() / file.repo / name for name in (file.also, file.name) if name]
    cached = try_to_load_from_cache(file.repo, file.name, revision=file.revision)
    return next((p for p in own if p.is_file()), Path(cached) if isinstance(cached, str) else None)


def need_file(file: HubFile, what: str) -> Path:
    """The file; BadInput says who needs it, what it is, and where to put it."""
    found = find_file(file)
    if found is None:
        place = weights_home() / file.repo / file.name
        raise BadInput(f"{what} needs {file.name} of {file.repo} ({megabytes(file.size)}): run `cbench prepare`, or put it at {place}")
    return found


def check_file(path: Path, file: HubFile) -> str:
    """The file's sha256; BadInput where it is not the published one (a download that broke off, or other weights)."""
    with path.open("rb") as opened:
        found = file_digest(opened, "sha256").hexdigest()
    if file.sha256 and path.name == file.name and found != file.sha256:
        raise BadInput(
            f"{path} is not the published {file.name} of {file.repo} (sha256 {found[:12]}, wanted {file.sha256[:12]}); fetch it again"
        )
    return found


def lacking(folder: Path, needed: Sequence[str]) -> str | None:
    """The first of the needed patterns that no file in the folder fits."""
    return next((pattern for pattern in needed if not any(path.is_file() for path in folder.glob(pattern))), None)


def find_folder(repo: str, revision: str | None, needed: Sequence[str]) -> Path | None:
    """A model's folder below the weights home, else its snapshot in the Hugging Face cache; None where a needed file is in neither."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    if lacking(weights_home() / repo, needed) is None:
        return weights_home() / repo
    try:
        # with the patterns: the cache calls a snapshot of which only a part was fetched incomplete
        snapshot = Path(snapshot_download(repo, revision=revision, local_files_only=True, allow_patterns=list(needed)))
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError):
        return None
    return None if lacking(snapshot, needed) else snapshot


def megabytes(size: int) -> str:
    """`87 MB`, `6.9 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
