"""Real against real: the score that another real image of a concept gets."""

from cbench.plugins.streams import digest_stream, open_stream
from cbench.posthoc.diagnostics import MetricReader
from cbench.record.ceilings import Ceiling
from cbench.task import Task
from cbench.workbench import Workbench


def real_against_real(reader: MetricReader, task: Task) -> float | None:
    """The mean similarity of each reference to the task's other references; None for a single reference."""
    embedded = reader.references(task)
    count = len(embedded)
    if count < 2:
        return None
    return float(((embedded @ embedded.T).sum() - (embedded**2).sum()) / (count * (count - 1)))


def ceilings_of(bench: Workbench, suite: str, metrics: list[str]) -> tuple[Ceiling, ...]:
    """The ceilings of a suite of the bench's track; none for a metric without a task of two references."""
    stream = open_stream(bench.track, suite)
    digest, ceilings = digest_stream(stream), []
    for metric in metrics:
        reader = MetricReader(bench, metric)
        tasks = {task.name: real_against_real(reader, task) for task in stream.tasks}
        known = {name: value for name, value in tasks.items() if value is not None}
        if known:
            ceilings.append(
                Ceiling(
                    track_digest=bench.track.digest,
                    suite=suite,
                    suite_digest=digest,
                    metric=metric,
                    tasks=known,
                )
            )
    return tuple(ceilings)
