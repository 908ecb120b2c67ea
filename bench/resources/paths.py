"""The folders of data and weights: `CBENCH_DATA`, `CBENCH_WEIGHTS`, by default in the user's cache folder."""

import os
from pathlib import Path

from cbench.errors import BadInput


def _home(variable: str, name: str) -> Path:
    named = os.environ.get(variable)
    path = Path(named) if named else _cache(variable) / "cbench" / name
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise BadInput(f"cannot expand ~ in {variable}={path}: no such user; give a full path") from error


def _cache(variable: str) -> Path:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise BadInput(
            f"this user has no home folder; name a folder with {variable} or XDG_CACHE_HOME"
        ) from error


def data_home() -> Path:
    """The folder of the data sets, one subfolder each (`dreambooth`, `unlearn_canvas`)."""
    return _home("CBENCH_DATA", "data")


def weights_home() -> Path:
    """The folder of weights put there by hand, each below its hub id
    (`timm/vit_small_patch16_224.dino/model.safetensors`)."""
    return _home("CBENCH_WEIGHTS", "weights")
