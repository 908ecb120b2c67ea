"""`cbench verify`: every stored file against its checksum, every record against what it cites."""

import json

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.errors import BadInput, CheckFailed
from cbench.utils.text import one_line


def verb(results: ResultsFolder = RESULTS, as_json: AsJson = False) -> None:
    """Exit code 0: all is sound; 1: something is not. Nothing is changed; the next run makes damaged entries
    again."""
    from cbench.posthoc.cleanup import damaged, entries
    from cbench.results import Results

    if not results.is_dir():
        raise BadInput(f"no results folder {results}")
    folder = Results(results)
    items, count = damaged(folder), (len(list(entries(folder))), len(folder.record_files()))
    if as_json:
        typer.echo(json.dumps([{"path": str(item.path), "about": item.about} for item in items]))
    else:
        for item in items:
            typer.echo(one_line(f"{item.path}: {item.about}"))
        typer.echo(f"{count[0]} entries, {count[1]} records: {len(items) or 'nothing'} wrong")
    if items:
        raise CheckFailed(
            f"{len(items)} damaged or missing; "
            "a run's own `cbench run` makes its entries again, records go back from a copy"
        )
