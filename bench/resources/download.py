"""Downloads a track's requirements from the Hugging Face hub, resuming and verifying downloads."""

from pathlib import Path

from cbench.errors import BadInput, Incomplete, Unreachable
from cbench.resources.completeness import incomplete_downloads, is_truncated
from cbench.resources.hub import HubFile, check_file
from cbench.resources.requirements import Requirement
from cbench.utils.text import one_line


def download(need: Requirement) -> Path:
    """Download one requirement and return its path.

    Raises Unreachable if the hub does not answer, BadInput if it refuses or lacks the requirement, Incomplete
    if the download fails otherwise."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # silences a message at every retry
    if need.source is None:
        raise BadInput(f"{need.kind} {need.name} is your own folder and does not exist at {need.manual_path}")
    by_hand = f"or put it at {need.manual_path} by hand"
    try:
        if need.file is not None:
            return _file(need.file, force=need.reason is not None)
        return _data(need) if need.kind == "data" else _weights(need)
    except GatedRepoError as error:
        raise BadInput(
            f"{need.name} requires you to accept its licence on its page; then run `hf auth login`"
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError, TimeoutError) as error:
        raise Unreachable(f"the hub cannot be reached for {need.at}; try again, {by_hand}") from error
    except HfHubHTTPError as error:
        raise BadInput(f"the hub refuses {need.name}: {one_line(error, 200)}") from error
    except OSError as error:
        raise Incomplete(
            f"{need.at} was not downloaded ({one_line(error, 200)}); try again, {by_hand}"
        ) from error


def _file(file: HubFile, force: bool) -> Path:
    """`force` replaces a cached file, which the client would take for complete whatever its size."""
    from huggingface_hub import hf_hub_download

    path = Path(hf_hub_download(file.repo, file.name, revision=file.revision, force_download=force))
    try:
        check_file(path, file)
    except BadInput:
        remove_cached(path)
        raise
    return path


def _patterns(need: Requirement) -> list[str] | None:
    return list(need.source.files) or None if need.source else None


def _data(need: Requirement) -> Path:
    from huggingface_hub import snapshot_download

    folder = Path(
        snapshot_download(
            need.name, repo_type="dataset", local_dir=need.manual_path, allow_patterns=_patterns(need)
        )
    )
    for rest in incomplete_downloads(folder):  # of an older version of the data
        rest.unlink(missing_ok=True)
    return folder


def _weights(need: Requirement) -> Path:
    from huggingface_hub import snapshot_download

    def snapshot() -> Path:
        return Path(snapshot_download(need.name, revision=need.revision, allow_patterns=_patterns(need)))

    folder = snapshot()
    truncated = [path for path in folder.rglob("*.safetensors") if is_truncated(path)]
    for path in truncated:
        remove_cached(path)
    return snapshot() if truncated else folder


def remove_cached(path: Path) -> None:
    """Remove a file of the hub's cache and the blob it links to, so that it is downloaded again."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
