"""Lower bound of a track's memory and upper bound of a run's disk space, known before anything is loaded."""

from pathlib import Path

from cbench.plan import cells
from cbench.preflight.flops import known
from cbench.resources.pipeline_files import own_files
from cbench.resources.requirements import weights
from cbench.task import Stream
from cbench.track import Track


def min_memory(track: Track) -> int:
    """Bytes of the backbone's weights, which are loaded in full: as published, else of the files."""
    published = [(need, need.source.size if need.source else 0) for need in weights(track)]
    return sum(size or (_size(need.path) if need.path else 0) for need, size in published)


def _size(folder: Path) -> int:
    """Bytes of the files that a pipeline or autoencoder is loaded from."""
    return sum(path.stat().st_size for path in own_files(folder))


def stored_bytes(track: Track, images: int, adapters: int, adapter: int) -> int:
    """Bytes of uncompressed images, and of adapters, each of so many bytes."""
    return images * track.backbone.resolution**2 * 3 + adapters * adapter


def max_disk(track: Track, suite: str, stream: Stream) -> int:
    """Upper bound in bytes of what one run of the suite stores; without its adapters if the backbone is not
    one of the study's."""
    work, protocol, tasks = known(track.backbone), track.of(suite), len(stream.tasks)
    prompts = max(len(task.prompts) for task in stream.tasks)
    images = cells(tasks) * prompts * protocol.sampling.images_per_prompt
    return stored_bytes(protocol, images, tasks, 4 * work.per_rank * protocol.training.rank if work else 0)
