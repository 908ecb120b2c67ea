"""Opens the stream behind a suite and says what it is by content."""

from pathlib import Path

from cbench import registry
from cbench.digest import digest_file, digest_json
from cbench.errors import BadInput, unknown
from cbench.images import load_image
from cbench.task import Stream, Task
from cbench.track import SuiteSpec, Track

ASSETS = Path(__file__).parent / "assets"


def spec_of(track: Track, suite: str) -> SuiteSpec:
    """The track's entry for a suite; BadInput suggests the nearest."""
    if suite not in track.suites:
        raise unknown(f"suite of track {track.name}", suite, track.suites)
    return track.suites[suite]


def open_stream(track: Track, suite: str) -> Stream:
    """The stream of a suite, every image opened once. BadInput: a broken image, an empty folder, a dataset that returns nonsense."""
    spec = spec_of(track, suite)
    stream = registry.load("suites", spec.dataset)(spec.options, ASSETS)
    if not isinstance(stream, Stream) or not stream.tasks:
        owner = registry.package(registry.entries("suites")[spec.dataset][0])
        raise BadInput(f"package {owner}: dataset {spec.dataset!r} gave {type(stream).__name__}, not a stream with tasks")
    for path in sorted({p for task in stream.tasks for p in images_of(task)}):
        load_image(path)
    return stream


def images_of(task: Task) -> set[Path]:
    """All image files of a task."""
    return {*task.references, *(example.image for example in task.examples)}


def digest_task(task: Task) -> str:
    """Identity of a task: its words and the bytes of its images."""
    return digest_json(
        {
            "name": task.name,
            "examples": [(digest_file(e.image), e.prompt) for e in task.examples],
            "references": [digest_file(p) for p in task.references],
            "prompts": task.prompts,
            "plain_prompts": task.plain_prompts,
        }
    )


def digest_stream(stream: Stream) -> str:
    """Identity of a stream: its tasks in canonical order."""
    return digest_json([digest_task(task) for task in stream.tasks])
