"""`cbench figures`: pictures of stored runs."""

from pathlib import Path
from typing import Annotated

import typer

from cbench.leaderboard.collect import boards
from cbench.leaderboard.figures import draw
from cbench.leaderboard.files import load

RESULTS = [Path("results")]


def verb(
    results: Annotated[list[Path], typer.Argument(envvar="CBENCH_OUT", help="Results folders.")] = RESULTS,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the pictures.")] = Path("figures"),
    suite: Annotated[str | None, typer.Option(help="Only this suite.")] = None,
    track: Annotated[str | None, typer.Option(help="Only this track: NAME, or NAME@DIGEST.")] = None,
) -> None:
    """The first task over the stream, score matrices, forgetting against score: SVG and PNG."""
    for path in draw(boards(load(results), track, suite), out):
        typer.echo(f"wrote {path}")
