"""`cbench compare`: two runs, or two results folders."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.errors import BadInput
from cbench.leaderboard import compare_folders, compare_runs
from cbench.leaderboard.collect import boards
from cbench.leaderboard.io import find_run, load, no_collection


def verb(
    one: Annotated[
        str, typer.Argument(help="A run (path, or name in the results folder), or a results folder.")
    ],
    two: Annotated[str, typer.Argument(help="Another of the same kind.")],
    results: ResultsFolder = RESULTS,
    as_json: AsJson = False,
) -> None:
    """The second less the first."""
    are_folders = Path(one).is_dir(), Path(two).is_dir()
    if are_folders[0] != are_folders[1]:
        raise BadInput(f"{one} and {two} are a folder and a run; compare two of a kind")
    if all(are_folders):
        with no_collection():
            comparison = compare_folders.compare(boards(load([Path(one)])), boards(load([Path(two)])))
            typer.echo(
                json.dumps(compare_folders.data(comparison), indent=2)
                if as_json
                else compare_folders.text(comparison)
            )
        return
    first, second = (find_run(run, results).record for run in (one, two))
    typer.echo(
        json.dumps(compare_runs.data(first, second), indent=2)
        if as_json
        else compare_runs.text(first, second)
    )
