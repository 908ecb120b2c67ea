"""`cbench show`: one stored run."""

import json
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.leaderboard.io import find_run
from cbench.leaderboard.run_text import run_data, run_text


def verb(
    run: Annotated[str, typer.Argument(help="A record's path, or its name in the results folder.")],
    results: ResultsFolder = RESULTS,
    as_json: AsJson = False,
) -> None:
    """Matrix, summaries, costs and provenance."""
    record = find_run(run, results).record
    typer.echo(json.dumps(run_data(record), indent=2) if as_json else run_text(record))
