"""`cbench leaderboard`: the tables of stored runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.errors import unknown
from cbench.leaderboard import page
from cbench.leaderboard.collect import boards
from cbench.leaderboard.io import deliver, load, no_collection

RESULTS = [Path("results")]


def verb(
    results: Annotated[list[Path], typer.Argument(envvar="CBENCH_OUT", help="Results folders.")] = RESULTS,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead of printing.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="Only this suite.")] = None,
    track: Annotated[str | None, typer.Option(help="Only this track: NAME, or NAME@DIGEST.")] = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="All summaries, intervals, paired differences, variance, costs.")
    ] = False,
    against: Annotated[
        str, typer.Option(help="The method that the others are held against.")
    ] = page.REFERENCE,
    as_json: Annotated[bool, typer.Option("--json", help="The tables for programs.")] = False,
) -> None:
    """Markdown tables, one a suite; the same records always give the same bytes."""
    with no_collection():
        found = boards(load(results), track, suite)
        methods = {label for board in found for label in board.entries}
        if against not in methods | {page.REFERENCE}:
            raise unknown("method", against, methods)
        text = (
            json.dumps(page.data(found, stats, against), indent=2)
            if as_json
            else page.page(found, stats, against)
        )
        typer.echo(deliver(text, out))
