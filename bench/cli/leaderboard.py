"""`cbench leaderboard`: the tables of stored runs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, BoardSuite, BoardTrack, ResultsFolders
from cbench.errors import unknown
from cbench.leaderboard import page
from cbench.leaderboard.collect import boards, with_ceilings
from cbench.leaderboard.io import deliver, load, load_ceilings, no_collection
from cbench.leaderboard.table import sort_names, sorted_board


def verb(
    results: ResultsFolders = [RESULTS],  # noqa: B006 - typer wants a list
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead of printing.")
    ] = None,
    suite: BoardSuite = None,
    track: BoardTrack = None,
    stats: Annotated[
        bool, typer.Option("--stats", help="All summaries, intervals, paired differences, variance, costs.")
    ] = False,
    against: Annotated[
        str, typer.Option(help="The method that the others are held against.")
    ] = page.REFERENCE,
    sort: Annotated[
        str | None,
        typer.Option(
            help="Sort by method, runs, a summary (average_score) or SUMMARY/METRIC; the best first."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Markdown tables, one a suite; the same records always give the same bytes."""
    with no_collection():
        ceilings = load_ceilings(results)
        tables = [with_ceilings(board, ceilings) for board in boards(load(results), track, suite)]
        methods = {label for board in tables for label in board.entries}
        if against not in methods | {page.REFERENCE}:
            raise unknown("method", against, methods)
        if sort is not None and sort not in (names := {n for board in tables for n in sort_names(board)}):
            raise unknown("column", sort, names)
        tables = [sorted_board(board, sort) for board in tables] if sort else tables
        text = (
            json.dumps(page.data(tables, stats, against), indent=2)
            if as_json
            else page.page(tables, stats, against)
        )
        typer.echo(deliver(text, out))
