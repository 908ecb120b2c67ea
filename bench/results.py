"""A results folder: its layout, and its records. No other module spells out the names below it.

records/<run>.json      one record a run
store/                  results of the stages (`cbench.store`)
claims/<run>            the lease of the process that works on a run
ceilings.json           real against real, by suite and metric (`cbench.record.ceilings`)
jobs/<run>.json         a submitted run, and jobs/log/<submission>/ with what it printed
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from cbench.errors import BadInput
from cbench.plan import Plan
from cbench.record.cited import cited_entries
from cbench.record.files import check_schema, read_record, record_text
from cbench.record.record import Record, file_name
from cbench.store.lease import lease
from cbench.store.store import Store, is_intact, is_there
from cbench.utils.files import make_folder, write_atomically


class Results:
    """A results folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def store(self) -> Store:
        """What the stages gave."""
        return Store(self.root / "store")

    # records ------------------------------------------------------------------------------------------------

    @property
    def records_folder(self) -> Path:
        """The folder of the records."""
        return self.root / "records"

    def record_path(self, name: str) -> Path:
        """The file of the record of this name, with or without `.json`."""
        return self.records_folder / f"{name.removesuffix('.json')}.json"

    def record_files(self) -> list[Path]:
        """The files of all records, by name."""
        return sorted(self.records_folder.glob("*.json"))

    def records(self) -> list[Record]:
        """All records, by file name; BadInput if there is none."""
        paths = self.record_files()
        if not paths:
            raise BadInput(f"no records in {self.root}; `cbench run` writes them")
        return [read_record(path) for path in paths]

    def write(self, record: Record) -> None:
        """Write a record, whole or not at all."""
        write_atomically(self.record_path(record.file_name), record_text(record))

    def finished(self, plan: Plan) -> Record | None:
        """The stored record if it covers the plan, was made by the same code with the same options, names
        the tuning behind them, and all that it cites is whole.

        BadInput if another protocol, stream or method version wrote it."""
        record = self.stored(plan)
        if record is None or record.source != plan.source or record.learned < plan.limit:
            return None
        if plan.tuned not in (None, record.tuned):
            return None
        return None if self.lost(record) else record

    def lost(self, record: Record) -> int:
        """How many entries that a record cites are damaged or gone."""
        folders = (self.store.folder(kind, key) for kind, key in cited_entries(record))
        return sum(not (is_there(folder) and is_intact(folder)) for folder in folders)

    def stored(self, plan: Plan) -> Record | None:
        """The stored record of the plan's run, if there is one; BadInput as `finished`."""
        path = self.record_path(run_name(plan))
        if not path.exists():
            return None
        record = read_record(path)
        if (record.track.name, record.suite, record.method.name) != (
            plan.track.name,
            plan.suite,
            plan.method.name,
        ):
            raise BadInput(
                f"{path} is the record of track {record.track.name}, suite {record.suite}, method "
                f"{record.method.name}: their names together are the same; give another --results"
            )
        stored = (record.track, record.suite_digest, record.method)
        if stored != (plan.track_ref, plan.stream_digest, plan.method_ref):
            raise BadInput(
                f"{path} is from another version of the track, the stream or the method; give another "
                "--results, or move it away"
            )
        return record

    # leases and jobs ----------------------------------------------------------------------------------------

    @property
    def leases_folder(self) -> Path:
        """The folder of the leases on runs."""
        return self.root / "claims"

    def lease_path(self, name: str) -> Path:
        """The lease of the run of this name."""
        return self.leases_folder / name.removesuffix(".json")

    @contextmanager
    def locked(self, name: str) -> Iterator[Record]:
        """The record of this name while no other process works on its run, so that an addition is not
        lost."""
        with self.working(name):
            yield read_record(self.record_path(name))

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """While this process works on the run of this name, and nobody removes what it may be about to cite:
        who cleans sees the claim, or is waited for."""
        with lease(self.lease_path(name)):
            if self.store.cleaning.exists():
                with lease(self.store.cleaning):
                    pass
            yield

    @property
    def jobs_folder(self) -> Path:
        """The folder of the notes on submitted runs."""
        return self.root / "jobs"

    def check(self) -> None:
        """Make the folder; BadInput if it is a file, cannot be written, or has records of a newer cbench."""
        try:
            make_folder(self.records_folder)
            with tempfile.TemporaryFile(dir=self.records_folder):  # unnamed: two processes may try at once
                pass
        except OSError as error:
            raise BadInput(f"results folder {self.root} cannot be written: {error.strerror}") from error
        for path in self.record_files():
            check_schema(path)


def run_name(plan: Plan) -> str:
    """The name of a run: its record's file name without `.json`."""
    return file_name(plan.track_ref, plan.suite, plan.method_ref, plan.order, plan.seed).removesuffix(".json")
