"""Room on the disks for what is fetched."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cbench.resources.paths import data_home
from cbench.resources.requirements import Requirement
from cbench.utils.text import megabytes


class DiskSpace(NamedTuple):
    """A folder that things are fetched into."""

    name: str
    folder: Path
    disk: int
    """Number of the device that the folder is on, or will be."""
    wanted: int
    """Bytes that are to come to that disk, to other folders too, as far as known."""
    free: int
    """Bytes free where the folder is, or will be."""

    @property
    def told(self) -> str:
        """`76.7 GB free in FOLDER, 94.4 GB to fetch`."""
        coming = f", {megabytes(self.wanted)} to fetch" if self.wanted else ""
        return f"{megabytes(self.free)} free in {self.folder}{coming}"


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that exists."""
    return next((p for p in (folder.absolute(), *folder.absolute().parents) if p.is_dir()), Path("/"))


def disk_space(missing: Sequence[Requirement]) -> list[DiskSpace]:
    """The Hugging Face cache, where weights are fetched to, and the data home."""
    from huggingface_hub import constants

    places = {"weights": Path(constants.HF_HUB_CACHE), "data": data_home()}
    disks = {name: existing(folder).stat().st_dev for name, folder in places.items()}
    wanted = dict.fromkeys(disks.values(), 0)
    for need in missing:
        wanted[disks["data" if need.kind == "data" else "weights"]] += need.source.size if need.source else 0
    free = {name: shutil.disk_usage(existing(folder)).free for name, folder in places.items()}
    return [
        DiskSpace(name, folder, disks[name], wanted[disks[name]], free[name])
        for name, folder in places.items()
    ]
