"""Opens the stream of a suite and computes its digest."""

from pydantic import TypeAdapter, ValidationError

from cbench.errors import BadInput, unknown
from cbench.plugins import registry
from cbench.plugins.check_captions import check_captions
from cbench.plugins.check_images import check_images
from cbench.plugins.isolation import isolated, plugin_label
from cbench.task import Stream, Task
from cbench.track import SuiteSpec, Track
from cbench.utils.digest import digest_json
from cbench.utils.files import ASSETS
from cbench.utils.images import digest_image
from cbench.utils.text import first_error


def spec_of(track: Track, suite: str) -> SuiteSpec:
    """The track's entry for a suite. Raises BadInput with the nearest name."""
    if suite not in track.suites:
        raise unknown(f"suite of track {track.name}", suite, track.suites)
    return track.suites[suite]


def chosen_suites(track: Track, suite: str | None) -> list[str]:
    """The named suite, or all suites; BadInput suggests the nearest name."""
    if suite is not None:
        spec_of(track, suite)
    if not track.suites:
        raise BadInput(f"track {track.name} has no suites")
    return [suite] if suite else list(track.suites)


def open_stream(track: Track, suite: str) -> Stream:
    """The stream of a suite; every image is opened once.

    Raises BadInput for an image that is unreadable, too small or duplicated, for an empty folder, and for a
    dataset that returns an invalid stream.
    """
    spec = spec_of(track, suite)
    load, who = registry.load("suites", spec.dataset), plugin_label("suites", spec.dataset)
    with isolated(who):
        stream = load(spec.options, ASSETS)
    if not isinstance(stream, Stream) or not stream.tasks:
        raise BadInput(f"{who} returned {type(stream).__name__}, not a stream with tasks")
    try:
        TypeAdapter(Stream).validate_python(stream)
    except ValidationError as error:
        raise BadInput(f"{who}: {first_error(error)}") from error
    names = [task.name for task in stream.tasks]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise BadInput(f"{who}: two tasks are named {duplicates[0]!r}")
    check_captions(stream)
    check_images(stream)
    return stream


def digest_task(task: Task) -> str:
    """Identity of a task: its texts and the bytes of its images."""
    return digest_json(
        {
            "name": task.name,
            "examples": [(digest_image(e.image), e.prompt) for e in task.examples],
            "references": [digest_image(p) for p in task.references],
            "prompts": task.prompts,
            "plain_prompts": task.plain_prompts,
        }
    )


def digest_stream(stream: Stream) -> str:
    """Identity of a stream: its tasks in canonical order."""
    return digest_json([digest_task(task) for task in stream.tasks])
