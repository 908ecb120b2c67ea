"""Checks of a machine before work begins: each one line, good or not."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from cbench.errors import CbenchError
from cbench.plugins import registry
from cbench.plugins.check_captions import first_lines, shared_captions
from cbench.plugins.streams import open_stream
from cbench.preflight.finding import Finding
from cbench.preflight.footprint import max_disk, min_memory
from cbench.resources.disk_space import disk_space, existing
from cbench.resources.requirements import requirements
from cbench.resources.suitability import check_suitable
from cbench.task import Stream
from cbench.track import Track, check_trainable
from cbench.utils.text import megabytes

SPARE = 500_000_000
"""Free bytes in the results folder beyond what one run stores."""


def check_machine(track: Track, suites: list[str], out: Path, device: str) -> Iterator[Finding]:
    """All checks, one after the other; none of them raises."""
    yield Finding("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _device(track, device)
    streams = {suite: _opened(track, suite) for suite in suites}
    yield _memory(track)
    yield _results(
        out,
        max(
            (max_disk(track, suite, found) for suite, found in streams.items() if isinstance(found, Stream)),
            default=0,
        ),
    )
    yield from _plugins()
    yield from _needs(track, suites)
    yield _backbone(track)
    for suite, found in streams.items():
        yield _stream(suite, found)
        for line in first_lines(shared_captions(found)) if isinstance(found, Stream) else ():
            yield Finding(f"suite {suite}", True, line)


def _device(track: Track, device: str) -> Iterator[Finding]:
    import torch

    from cbench.backbone.device import pick, too_slow
    from cbench.stages.optimizer import name_of

    try:
        picked = pick(device)
    except CbenchError as error:
        yield Finding("device", False, str(error))
        return
    if picked.startswith("cuda"):
        free, whole = torch.cuda.mem_get_info(picked)
        told = f"{torch.cuda.get_device_name(picked)}, {megabytes(free)} of {megabytes(whole)} free"
        yield Finding("device", track.backbone.dtype != "bfloat16" or torch.cuda.is_bf16_supported(), told)
    else:
        slow = too_slow(track.backbone.resolution, picked)
        yield Finding(
            "device",
            not slow,
            f"{picked}, {torch.get_num_threads()} threads" + (f": too slow for {track.name}" if slow else ""),
        )
    if track.training.optimizer != name_of(track.training, picked):
        yield Finding(
            "optimizer",
            True,
            f"{name_of(track.training, picked)}: {track.training.optimizer} needs a GPU and bitsandbytes",
        )


def _memory(track: Track) -> Finding:
    """The computer's memory beside the weights, which are loaded into it whole on their way to a GPU."""
    whole, wanted = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), min_memory(track)
    return Finding(
        "memory",
        whole >= wanted,
        f"{megabytes(whole)} in the computer, the weights of {track.name} take {megabytes(wanted)}",
    )


def _backbone(track: Track) -> Finding:
    """Whether `cbench run` would train the pipeline, judged by its configuration."""
    try:
        check_trainable(track.backbone.dtype)
        check_suitable(track)
    except CbenchError as error:
        return Finding("backbone", False, str(error))
    return Finding("backbone", True, f"{track.backbone.dtype}, sampled by {track.sampling.scheduler}")


def _results(out: Path, run: int) -> Finding:
    """Free space where the results are or will be, beside what one run stores."""
    there = existing(out)
    free = shutil.disk_usage(there).free
    told = f"{megabytes(free)} free in {out}" + (f", a run stores at most {megabytes(run)}" if run else "")
    return Finding("results disk", free >= run + SPARE and os.access(there, os.W_OK), told)


def _plugins() -> Iterator[Finding]:
    """A line for every entry point that cannot be used, or one that all can."""
    troubles = []
    for kind in registry.KINDS:
        for name in registry.entries(kind):
            try:
                registry.load(kind, name)
            except CbenchError as error:
                troubles.append(Finding("plugin", False, str(error)))
    yield from troubles or [Finding("plugins", True, "methods, metrics, suites and tracks all load")]


def _needs(track: Track, suites: list[str]) -> Iterator[Finding]:
    """Each need, and whether there is room for those that are missing."""
    try:
        wanted = requirements(track, suites)
        for need in wanted:
            yield Finding(need.kind, need.path is not None, need.to_line())
        for room in disk_space([need for need in wanted if need.path is None]):
            yield Finding(
                f"{room.name} disk",
                room.needed <= room.free and os.access(existing(room.folder), os.W_OK),
                room.to_line(),
            )
    except CbenchError as error:
        yield Finding("needs", False, str(error))


def _opened(track: Track, suite: str) -> Stream | CbenchError:
    try:
        return open_stream(track, suite)
    except CbenchError as error:
        return error


def _stream(suite: str, found: Stream | CbenchError) -> Finding:
    if isinstance(found, CbenchError):
        return Finding(f"suite {suite}", False, str(found))
    return Finding(
        f"suite {suite}",
        True,
        f"{len(found.tasks)} tasks, {sum(len(t.examples) for t in found.tasks)} training images",
    )
