"""Copies complete records without the keys of the store, one line each: what is committed and what the gate re-aggregates."""

import sys
from pathlib import Path

from cbench.record import read


def main() -> None:
    results, target = map(Path, sys.argv[1:])
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted((results / "records").glob("*.json")):
        record = read(path)
        if record.complete:
            (target / path.name).write_text(record.model_dump_json(exclude={"kept": True, "companions": {"images"}}) + "\n")


if __name__ == "__main__":
    main()
