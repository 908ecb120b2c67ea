"""Where numbers come from: versions, commit, device, precision, weights, threads."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cbench import __version__
from cbench.record.record import Provenance

PACKAGES = (
    *("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow"),
    *("open_clip_torch", "timm", "torchvision", "bitsandbytes"),
)


def provenance(device: str, precision: str, weights: str) -> Provenance:
    """The provenance of work done now, in this process."""
    import torch

    commit, dirty = commit_of(Path(__file__).parent)
    return Provenance(
        cbench=__version__,
        commit=commit,
        dirty=dirty,
        packages=versions(),
        device=torch.cuda.get_device_name() if device.startswith("cuda") else f"{device} ({processor()})",
        precision=precision,
        weights=weights,
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def versions() -> dict[str, str]:
    """Versions of the packages that make the numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def processor() -> str:
    """The processor's model name, as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


@cache
def commit_of(folder: Path) -> tuple[str | None, bool | None]:
    """The git commit of the checkout that cbench runs from and whether it is changed; (None, None) for an
    installed package."""

    def git(*words: str) -> str:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        told = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env=environment
        )
        return told.stdout.strip()

    try:
        if not (Path(git("rev-parse", "--show-toplevel")) / "bench" / "provenance.py").is_file():
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return None, None
