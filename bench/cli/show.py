"""`cbench show`: one stored run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.leaderboard.io import find_run
from cbench.leaderboard.run_text import run_data, run_text


def verb(
    run: Annotated[str, typer.Argument(help="A record's path, or its name in the results folder.")],
    results: Annotated[Path, typer.Option(envvar="CBENCH_OUT", help="The results folder.")] = Path("results"),
    as_json: Annotated[
        bool, typer.Option("--json", help="The record and its summaries for programs.")
    ] = False,
) -> None:
    """Matrix, summaries, costs and provenance."""
    record = find_run(run, results).record
    typer.echo(json.dumps(run_data(record), indent=2) if as_json else run_text(record))
