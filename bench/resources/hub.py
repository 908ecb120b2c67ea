"""Files and folders of the Hugging Face hub on this machine; only `cbench prepare` downloads them."""

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
    """If known, a file with another checksum is refused."""
    size: int
    """Bytes, rounded down."""
    licence: str
    also: str = ""
    """Another file name of the same weights, in safetensors format, if a user may have converted them."""


def existing_copies(file: HubFile) -> list[Path]:
    """The copies of the file below the weights home and in the Hugging Face cache, complete or not."""
    from huggingface_hub import try_to_load_from_cache

    own = [weights_home() / file.repo / name for name in (file.also, file.name) if name]
    cached = try_to_load_from_cache(file.repo, file.name, revision=file.revision)
    return [p for p in own if p.is_file()] + ([Path(cached)] if isinstance(cached, str) else [])


def search_file(file: HubFile) -> tuple[Path | None, str | None]:
    """(path, None) of a complete copy; else (None, reason), the reason None if there is no copy at all."""
    reasons = [(path, size_mismatch(path, file)) for path in existing_copies(file)]
    complete = next((path for path, reason in reasons if reason is None), None)
    return complete, None if complete or not reasons else reasons[0][1]


def size_mismatch(path: Path, file: HubFile) -> str | None:
    """Why this cannot be the published file, judging by its size and header; None if it can."""
    size = path.stat().st_size
    if path.suffix == ".safetensors" and is_truncated(path):
        return f"{path} is truncated"
    if file.sha256 and path.name == file.name and not file.size <= size <= 1.01 * file.size:
        return f"{path} has {size} bytes, the published file {megabytes(file.size)}"
    return None


def require_file(file: HubFile, user: str) -> Path:
    """The path of the file. An incomplete file is still returned; loading it reports the reason.

    Raises BadInput, which names the `user` of the file and the path to put it at, if there is none."""
    path = search_file(file)[0] or next(iter(existing_copies(file)), None)
    if path is None:
        raise BadInput(
            f"{user} needs {file.name} of {file.repo} ({megabytes(file.size)}): run `cbench prepare`, or "
            f"put it at {weights_home() / file.repo / file.name}"
        )
    return path


def check_file(path: Path, file: HubFile) -> str:
    """The file's sha256. Raises BadInput if it differs from the published one (an interrupted download, or
    other weights)."""
    with path.open("rb") as opened:
        actual = file_digest(opened, "sha256").hexdigest()
    if file.sha256 and path.name == file.name and actual != file.sha256:
        raise BadInput(
            f"{path} is not the published {file.name} of {file.repo} (sha256 {actual[:12]}, expected "
            f"{file.sha256[:12]}); remove it and download it again"
        )
    return actual


def folders(repo: str, revision: str | None, file: str) -> list[Path]:
    """Candidate folders of a model: below the weights home, and the snapshot in the Hugging Face cache that
    has this file."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(repo, file, revision=revision)
    except HFValidationError:
        cached = None
    return [weights_home() / repo, *([Path(cached).parent] if isinstance(cached, str) else [])]
