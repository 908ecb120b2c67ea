"""Free disk space for downloads."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cbench.resources.paths import data_home
from cbench.resources.requirements import Requirement
from cbench.utils.text import megabytes


class DiskSpace(NamedTuple):
    """A folder that downloads go to."""

    name: str
    folder: Path
    disk: int
    """Device number of the disk that the folder is or will be on."""
    needed: int
    """Bytes to download to that disk, into any folder, as far as known."""
    free: int
    """Free bytes on that disk."""

    def to_line(self) -> str:
        """`76.7 GB free in FOLDER, 94.4 GB to download`."""
        needed = f", {megabytes(self.needed)} to download" if self.needed else ""
        return f"{megabytes(self.free)} free in {self.folder}{needed}"


def existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next((p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir()), Path("/"))


def disk_space(missing: Sequence[Requirement]) -> list[DiskSpace]:
    """The disk space for the missing requirements: in the Hugging Face cache (weights) and the data home."""
    from huggingface_hub import constants

    folders = {"weights": Path(constants.HF_HUB_CACHE), "data": data_home()}
    disks = {name: existing(folder).stat().st_dev for name, folder in folders.items()}
    needed = dict.fromkeys(disks.values(), 0)
    for need in missing:
        needed[disks["data" if need.kind == "data" else "weights"]] += need.source.size if need.source else 0
    free = {name: shutil.disk_usage(existing(folder)).free for name, folder in folders.items()}
    return [
        DiskSpace(name, folder, disks[name], needed[disks[name]], free[name])
        for name, folder in folders.items()
    ]
