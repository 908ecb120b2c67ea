"""Fetches what a track needs from the Hugging Face hub; a download that broke off goes on where it stopped,
and is checked at the end."""

from pathlib import Path

from cbench.errors import BadInput, Incomplete, Unreachable
from cbench.resources.completeness import incomplete_downloads, is_truncated
from cbench.resources.hub import check_file
from cbench.resources.requirements import Requirement


def download(need: Requirement) -> Path:
    """Download one need; gives its place. Unreachable where the hub does not answer, BadInput where it has no
    such thing."""
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # it tells every try again
    if need.source is None:
        raise BadInput(f"{need.kind} {need.name} is a folder of your own and is not at {need.place}")
    try:
        if need.file is not None:
            # the client takes a file of its cache for whole, whatever its size
            name, revision, again = need.file.name, need.file.revision, need.fault is not None
            path = Path(hf_hub_download(need.file.repo, name, revision=revision, force_download=again))
            try:
                check_file(path, need.file)
            except BadInput:
                remove_cached(path)
                raise
            return path
        patterns = list(need.source.files) or None
        if need.kind == "data":
            folder = Path(
                snapshot_download(
                    need.name, repo_type="dataset", local_dir=need.place, allow_patterns=patterns
                )
            )
            for rest in incomplete_downloads(folder):  # of a version that has been superseded
                rest.unlink(missing_ok=True)
            return folder
        folder = Path(snapshot_download(need.name, revision=need.revision, allow_patterns=patterns))
        broken = [path for path in folder.rglob("*.safetensors") if is_truncated(path)]
        for path in broken:
            remove_cached(path)
        return (
            Path(snapshot_download(need.name, revision=need.revision, allow_patterns=patterns))
            if broken
            else folder
        )
    except GatedRepoError as error:
        raise BadInput(
            f"{need.name} asks you to accept its licence on its page first, then `hf auth login`"
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError, TimeoutError) as error:
        raise Unreachable(
            f"the hub cannot be reached; {need.at} may be put at {need.place} by hand"
        ) from error
    except HfHubHTTPError as error:
        raise BadInput(f"the hub refuses {need.name}: {' '.join(str(error).split())[:200]}") from error
    except OSError as error:
        raise Incomplete(
            f"{need.at} was not fetched ({' '.join(str(error).split())[:200]}); it may be put at "
            f"{need.place} by hand"
        ) from error


def remove_cached(path: Path) -> None:
    """Remove a file of the hub's cache, and what it links to: it is fetched anew."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
