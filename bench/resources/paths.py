"""Where data and weights lie on this machine: `CBENCH_DATA` and `CBENCH_WEIGHTS`, or below the user's cache
folder."""

import os
from pathlib import Path

from cbench.errors import BadInput

ASSETS = Path(__file__).parents[1] / "assets"


def _place(variable: str, name: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    told = Path(os.environ.get(variable) or cache / "cbench" / name)
    try:
        return told.expanduser()
    except RuntimeError as error:
        raise BadInput(f"{variable} is {told}, and there is no such user's home folder") from error


def data_home() -> Path:
    """The folder of the data sets, one folder each (`dreambooth`, `unlearn_canvas`)."""
    return _place("CBENCH_DATA", "data")


def weights_home() -> Path:
    """The folder of weights put there by hand, each below its hub id
    (`timm/vit_small_patch16_224.dino/model.safetensors`)."""
    return _place("CBENCH_WEIGHTS", "weights")
