"""Copies complete records without the keys of the store, one line each: what is committed and what the gate
re-aggregates."""

import sys
from pathlib import Path

from cbench.record.files import read_record, record_text
from cbench.record.record import Kept


def main() -> None:
    results, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((results / "records").glob("*.json")):
        record = read_record(path)
        if record.complete:
            beside = record.companions and record.companions.model_copy(update={"images": ()})
            compact = record.model_copy(update={"kept": Kept(), "companions": beside})
            (target / path.name).write_text(record_text(compact, indent=None))


if __name__ == "__main__":
    main()
