"""What a track asks of a machine, known before anything is loaded: the least memory, and the most that one
run stores."""

from pathlib import Path

from cbench.plan import cells
from cbench.preflight.flops import known
from cbench.resources.pipeline_files import own_files
from cbench.resources.requirements import weights
from cbench.task import Stream
from cbench.track import Track


def min_memory(track: Track) -> int:
    """Bytes of the backbone's weights, which are loaded whole: as published, else as they lie here."""
    published = [(need, need.source.size if need.source else 0) for need in weights(track)]
    return sum(size or (_size(need.path) if need.path else 0) for need, size in published)


def _size(folder: Path) -> int:
    """Bytes of the files that a pipeline or autoencoder is loaded from."""
    return sum(path.stat().st_size for path in own_files(folder))


def stored_bytes(track: Track, images: int, adapters: int, adapter: int) -> int:
    """Bytes of so many images, as if none could be compressed, and of so many adapters of `adapter` bytes."""
    return images * track.backbone.resolution**2 * 3 + adapters * adapter


def max_disk(track: Track, suite: str, stream: Stream) -> int:
    """Bytes that one run of the suite stores at most; without its adapters where the backbone is none of the
    study's."""
    work, numbers, tasks = known(track.backbone), track.of(suite), len(stream.tasks)
    images = (
        cells(tasks) * max(len(task.prompts) for task in stream.tasks) * numbers.sampling.images_per_prompt
    )
    return stored_bytes(numbers, images, tasks, 4 * work.per_rank * numbers.training.rank if work else 0)
