"""What a run is to do, said before anything heavy is imported."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cbench.errors import BadInput, unknown
from cbench.method import Method
from cbench.plugins import registry
from cbench.plugins.isolation import isolated, plugin_label
from cbench.plugins.methods import make_method, reference
from cbench.plugins.source import source_of
from cbench.plugins.streams import digest_stream, open_stream, spec_of
from cbench.record.record import MethodRef, MethodSource, TrackRef
from cbench.record.tuned import Tuned
from cbench.resources.suitability import check_suitable
from cbench.task import Stream, Task
from cbench.track import Track, check_trainable, parse


@dataclass(frozen=True)
class Plan:
    """One run: (track, suite, method, order, seed), its tasks in the order learned."""

    track: Track
    suite: str
    method: Method
    order: int
    seed: int
    stream: Stream
    limit: int
    tuned: Tuned | None = None
    """How some options were chosen, if `cbench tune` chose them."""
    tuning_file: Path | None = None
    """The file that says so."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks of the stream in this order."""
        return self.stream.ordered(self.order)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The suite's metrics."""
        return self.track.suites[self.suite].metrics

    @property
    def method_ref(self) -> MethodRef:
        """What the record says of the method."""
        return reference(self.method)

    @property
    def source(self) -> MethodSource:
        """What the record says of the method's code."""
        return source_of(self.method)

    @property
    def track_ref(self) -> TrackRef:
        """What the record says of the track."""
        return TrackRef(name=self.track.name, version=self.track.version, digest=self.track.digest)

    @property
    def evaluation_prompts(self) -> frozenset[str]:
        """The prompts of all tasks, with which no method may train."""
        return frozenset(prompt for task in self.stream.tasks for prompt in task.prompts)

    @property
    def stream_digest(self) -> str:
        """Identity of the stream."""
        return digest_stream(self.stream)


def cells(tasks: int) -> int:
    """How many cells a run of so many tasks samples: the base model on each, and after each task every one so
    far."""
    return tasks + tasks * (tasks + 1) // 2


def open_track(name: str) -> Track:
    """The track of a registered name, or of a YAML file of one's own (`my.yaml`); BadInput suggests the
    nearest."""
    if name.endswith((".yaml", ".yml")):
        return parse(Path(name))
    build = registry.load("tracks", name)
    with isolated(plugin_label("tracks", name)):
        track = build()
    if not isinstance(track, Track):
        raise BadInput(f"{plugin_label('tracks', name)} is no Track")
    return track


def plans(
    track: str,
    suite: str,
    method: str,
    options: dict[str, str],
    order: int | None,
    seed: int | None,
    every: bool,
    limit: int | None,
) -> list[Plan]:
    """The runs of one method and suite: one, or with `every` all orders and seeds of the track. BadInput for
    anything that the track does not have."""
    protocol = open_track(track)
    spec_of(protocol, suite)
    chosen = make_method(method, options)
    orders, seeds = choices(protocol, "order", order, every), choices(protocol, "seed", seed, every)
    return plans_of(protocol, suite, open_stream(protocol, suite), chosen, orders, seeds, limit)


def plans_of(
    track: Track,
    suite: str,
    stream: Stream,
    method: Method,
    orders: Sequence[int],
    seeds: Sequence[int],
    limit: int | None = None,
) -> list[Plan]:
    """The runs of a method on an opened stream; BadInput for a track that cannot be trained, and for a limit
    beyond the stream."""
    if method.trains:
        check_trainable(track.backbone.dtype)
    check_suitable(track)
    tasks = len(stream.tasks)
    if limit is not None and not 1 <= limit <= tasks:
        raise BadInput(f"--limit-tasks {limit}: {suite} has tasks 1 to {tasks}")
    return [Plan(track, suite, method, o, s, stream, limit or tasks) for o in orders for s in seeds]


def choices(track: Track, what: str, wanted: int | None, every: bool) -> tuple[int, ...]:
    """The track's orders or seeds: the wanted one, with `every` all, else the first."""
    known = track.orders if what == "order" else track.seeds
    if every and wanted is not None:
        raise BadInput(f"--all runs every {what}; leave out --{what}")
    if wanted is None:
        return known if every else known[:1]
    if wanted not in known:
        raise unknown(f"{what} of track {track.name}", str(wanted), map(str, known))
    return (wanted,)
