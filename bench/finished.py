"""Where a run's record lies, and whether it already holds what is asked."""

from pathlib import Path

from cbench import record as records
from cbench.errors import BadInput
from cbench.plan import Plan
from cbench.record import Record


def record_path(plan: Plan, out: Path) -> Path:
    """The record's file in a results folder."""
    return (
        out
        / "records"
        / records.file_name(plan.track_ref, plan.suite, plan.method_ref, plan.order, plan.seed)
    )


def finished(plan: Plan, out: Path) -> Record | None:
    """The stored record, where it covers the plan; BadInput where another protocol, stream or method version
    wrote it."""
    path = record_path(plan, out)
    if not path.exists():
        return None
    found = records.read(path)
    if (found.track, found.suite_digest, found.method) != (
        plan.track_ref,
        plan.stream_digest,
        plan.method_ref,
    ):
        raise BadInput(
            f"{path} was made by another version of the track, the stream or the method; give another "
            "--out, or move it away"
        )
    return found if found.learned >= plan.limit else None
