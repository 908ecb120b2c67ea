"""`cbench board`: stored runs as static pages."""

from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, BoardSuite, BoardTrack, ResultsFolders
from cbench.errors import unknown
from cbench.leaderboard import page
from cbench.leaderboard.board.libraries import check_installed
from cbench.leaderboard.board.site import build, write
from cbench.leaderboard.collect import boards, with_ceilings
from cbench.leaderboard.io import load, load_ceilings


def verb(
    results: ResultsFolders = [RESULTS],  # noqa: B006 - typer wants a list
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the pages.")] = Path("site"),
    suite: BoardSuite = None,
    track: BoardTrack = None,
    against: Annotated[
        str, typer.Option(help="The method that the others are held against.")
    ] = page.REFERENCE,
) -> None:
    """Tables, charts, pictures, methods and runs as pages that open from a file; needs the extra `board`."""
    check_installed()
    stored, ceilings = load(results), load_ceilings(results)
    tables = [with_ceilings(board, ceilings) for board in boards(stored, track, suite)]
    methods = {label for board in tables for label in board.entries}
    if against not in methods | {page.REFERENCE}:
        raise unknown("method", against, methods)
    write(build(tables, stored, against), out)
    typer.echo(f"wrote {out / 'index.html'}")
