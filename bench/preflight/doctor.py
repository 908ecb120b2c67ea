"""Checks a machine before work begins; each result is one line, passed or failed."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from cbench.errors import CbenchError
from cbench.plugins import registry
from cbench.plugins.check_captions import cut_captions, first_lines, shared_captions, texts
from cbench.plugins.streams import open_stream
from cbench.preflight.finding import Finding
from cbench.preflight.footprint import max_disk, min_memory
from cbench.resources.disk_space import disk_space, existing
from cbench.resources.requirements import requirements
from cbench.resources.suitability import check_suitable
from cbench.resources.tokenizers import open_tokenizers
from cbench.task import Stream
from cbench.track import Track, check_trainable
from cbench.utils.text import megabytes

SPARE = 500_000_000
"""Free bytes to keep in the results folder in addition to one run's results."""


def check_machine(track: Track, suites: list[str], out: Path, device: str) -> Iterator[Finding]:
    """All checks, one after the other; none of them raises."""
    yield Finding("python", True, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _device(track, device)
    streams = {suite: _opened(track, suite) for suite in suites}
    yield _memory(track)
    valid = {suite: stream for suite, stream in streams.items() if isinstance(stream, Stream)}
    yield _results(out, max((max_disk(track, *pair) for pair in valid.items()), default=0))
    yield from _plugins()
    yield from _requirements(track, suites)
    yield _backbone(track)
    for suite, stream in streams.items():
        yield _stream(suite, stream)
        for line in _words(track, stream) if isinstance(stream, Stream) else ():
            yield Finding(f"suite {suite}", True, line)


def _words(track: Track, stream: Stream) -> Iterator[str]:
    """What `cbench run` says of the stream's words; of their length only if the tokenizers are here."""
    yield from first_lines(shared_captions(stream))
    try:
        tokenizers = open_tokenizers(track.backbone)
    except CbenchError:
        return  # the weights are reported in a line of their own
    yield from first_lines(cut_captions(texts(stream), tokenizers))


def _device(track: Track, device: str) -> Iterator[Finding]:
    import torch

    from cbench.backbone.device import pick, too_slow
    from cbench.stages.optimizer import fallback, fallback_line

    try:
        chosen = pick(device)
    except CbenchError as error:
        yield Finding("device", False, str(error))
        return
    if chosen.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(chosen)
        detail = f"{torch.cuda.get_device_name(chosen)}, {megabytes(free)} of {megabytes(total)} free"
        yield Finding("device", track.backbone.dtype != "bfloat16" or torch.cuda.is_bf16_supported(), detail)
    else:
        slow = too_slow(track.backbone.resolution, chosen)
        detail = f"{chosen}, {torch.get_num_threads()} threads"
        yield Finding("device", not slow, detail + (f": too slow for {track.name}" if slow else ""))
    if fallback(track.training, chosen):
        yield Finding("optimizer", True, fallback_line(track.training, chosen))


def _memory(track: Track) -> Finding:
    """The computer's memory and the weights, which are loaded into it in full, also on their way to a GPU."""
    total, needed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), min_memory(track)
    detail = f"{megabytes(total)} in the computer, the weights of {track.name} take {megabytes(needed)}"
    return Finding("memory", total >= needed, detail)


def _backbone(track: Track) -> Finding:
    """Whether `cbench run` would train the pipeline, judged by its configuration."""
    try:
        check_trainable(track.backbone.dtype)
        check_suitable(track)
    except CbenchError as error:
        return Finding("backbone", False, str(error))
    return Finding("backbone", True, f"{track.backbone.dtype}, sampled by {track.sampling.scheduler}")


def _results(out: Path, size: int) -> Finding:
    """Free space for the results, against the `size` in bytes of one run's results."""
    folder = existing(out)
    free = shutil.disk_usage(folder).free
    detail = f"{megabytes(free)} free in {out}"
    if size:
        detail += f", a run stores at most {megabytes(size)}"
    return Finding("results disk", free >= size + SPARE and os.access(folder, os.W_OK), detail)


def _plugins() -> Iterator[Finding]:
    """A line for every plugin that cannot be loaded, or one line if all can."""
    failures = []
    for kind in registry.KINDS:
        for name in registry.entries(kind):
            try:
                registry.load(kind, name)
            except CbenchError as error:
                failures.append(Finding("plugin", False, str(error)))
    yield from failures or [Finding("plugins", True, "all methods, metrics, suites and tracks load")]


def _requirements(track: Track, suites: list[str]) -> Iterator[Finding]:
    """Each requirement, and the disk space for those that are missing."""
    try:
        needs = requirements(track, suites)
        for need in needs:
            yield Finding(need.kind, need.path is not None, need.to_line())
        for space in disk_space([need for need in needs if need.path is None]):
            fits = space.needed <= space.free and os.access(existing(space.folder), os.W_OK)
            yield Finding(f"{space.name} disk", fits, space.to_line())
    except CbenchError as error:
        yield Finding("needs", False, str(error))


def _opened(track: Track, suite: str) -> Stream | CbenchError:
    try:
        return open_stream(track, suite)
    except CbenchError as error:
        return error


def _stream(suite: str, stream: Stream | CbenchError) -> Finding:
    if isinstance(stream, CbenchError):
        return Finding(f"suite {suite}", False, str(stream))
    images = sum(len(task.examples) for task in stream.tasks)
    return Finding(f"suite {suite}", True, f"{len(stream.tasks)} tasks, {images} training images")
