"""Provenance of numbers: versions, commit, device, precision, weights, threads."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cbench.record.record import Provenance

PACKAGES = (
    *("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow"),
    *("open_clip_torch", "timm", "torchvision", "bitsandbytes"),
)


def provenance(
    device: str,
    precision: str,
    weights: str,
    metrics: Mapping[str, str],
    devices: Iterable[str] = (),
    optimizer: str = "",
) -> Provenance:
    """The provenance of a computation in this process, now. `metrics` maps each metric to its digest,
    `devices` are those that stored its parts, and `optimizer` is the one used if it is not the track's."""
    import torch

    commit, dirty = commit_of(Path(__file__).parent)
    return Provenance(
        cbench=version("cbench"),
        commit=commit,
        dirty=dirty,
        packages=versions(),
        device=device_name(device),
        precision=precision,
        weights=weights,
        metrics=dict(metrics),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        devices=_others(devices, device_name(device)),
        optimizer=optimizer,
    )


def device_name(device: str) -> str:
    """The GPU's name, or the device with the processor's: `cpu (AMD EPYC)`."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else f"{device} ({processor()})"


def with_devices(origin: Provenance, devices: Iterable[str]) -> Provenance:
    """The provenance of numbers to which these devices added some."""
    known = origin.devices or ((origin.device,) if origin.device else ())
    return origin.model_copy(update={"devices": _others((*known, *devices), origin.device)})


def _others(devices: Iterable[str], device: str) -> tuple[str, ...]:
    """The devices, sorted; empty if they are this one alone. An entry of before they were stored names
    none."""
    known = tuple(sorted({name for name in devices if name}))
    return () if known == (device,) else known


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect the numbers."""
    installed = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


@cache
def processor() -> str:
    """The processor's model name, as the kernel reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


@cache
def commit_of(folder: Path) -> tuple[str | None, bool | None]:
    """The git commit of the checkout that holds this folder of cbench, and whether it has uncommitted
    changes; (None, None) for an installed package."""

    def git(*words: str) -> str:
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
        result = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env=environment
        )
        return result.stdout.strip()

    try:
        if not (Path(git("rev-parse", "--show-toplevel")) / "bench" / "record" / "provenance.py").is_file():
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return None, None
