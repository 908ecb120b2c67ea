"""`cbench verify`: every stored file against its checksum, every record against what it cites."""

import json
from pathlib import Path

import typer

from cbench.cli.options import AsJson, Out
from cbench.errors import BadInput, CheckFailed
from cbench.utils.text import one_line


def verb(out: Out = Path("results"), as_json: AsJson = False) -> None:
    """Exit code 0: all is sound; 1: something is not. Nothing is changed; the next run makes damaged entries
    again."""
    from cbench.results import record_files
    from cbench.store.cleanup import damaged, entries

    if not out.is_dir():
        raise BadInput(f"no results folder {out}")
    found, count = damaged(out), (len(list(entries(out))), len(record_files(out)))
    if as_json:
        typer.echo(json.dumps([{"path": str(item.path), "about": item.about} for item in found]))
    else:
        for item in found:
            typer.echo(one_line(f"{item.path}: {item.about}"))
        typer.echo(f"{count[0]} entries, {count[1]} records: {len(found) or 'nothing'} wrong")
    if found:
        raise CheckFailed(
            f"{len(found)} damaged or missing; `cbench run` makes entries again, records go back from a copy"
        )
