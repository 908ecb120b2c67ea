"""Where a run's record lies, and whether it already holds what is asked."""

import tempfile
from pathlib import Path

from cbench.errors import BadInput
from cbench.plan import Plan
from cbench.record.files import check_schema, read_record
from cbench.record.record import Record, file_name


def check_folder(out: Path) -> None:
    """Make the results folder; BadInput where it is a file, cannot be written, or a newer cbench wrote in
    it."""
    try:
        (out / "records").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out / "records"):  # a name of its own: two processes may look at once
            pass
    except OSError as error:
        raise BadInput(f"results folder {out} cannot be written: {error.strerror}") from error
    for path in (out / "records").glob("*.json"):
        check_schema(path)


def record_path(plan: Plan, out: Path) -> Path:
    """The record's file in a results folder."""
    return out / "records" / file_name(plan.track_ref, plan.suite, plan.method_ref, plan.order, plan.seed)


def finished(plan: Plan, out: Path) -> Record | None:
    """The stored record, where it covers the plan; BadInput where another protocol, stream or method version
    wrote it."""
    path = record_path(plan, out)
    if not path.exists():
        return None
    found = read_record(path)
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


def read_records(folder: Path) -> list[Record]:
    """All records of a results folder (`<folder>/records`, or the folder itself), sorted by file name;
    BadInput where there is none."""
    home = folder / "records" if (folder / "records").is_dir() else folder
    paths = sorted(home.glob("*.json"))
    if not paths:
        raise BadInput(f"no records in {folder}; `cbench run` writes them")
    return [read_record(path) for path in paths]


def record_files(out: Path) -> list[Path]:
    """The records of a results folder."""
    return sorted((out / "records").glob("*.json"))
