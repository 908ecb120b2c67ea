"""`cbench check`: stored or fresh records held against a baseline."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolders
from cbench.errors import BadInput
from cbench.leaderboard import baseline as baselines
from cbench.leaderboard import check_report
from cbench.leaderboard.check import check, failure, gather
from cbench.leaderboard.io import load
from cbench.utils.files import write_file


def update(path: Path, results: list[Path]) -> None:
    """Write the baseline of these records; BadInput, and the file stays, if it is no baseline or of another
    track."""
    baseline = baselines.make(load(results))
    track = baseline.track
    if path.exists() and baselines.read(path).track.name != track.name:
        raise BadInput(f"{path} is a baseline of another track, not of {track.name}; name another file")
    write_file(path, baseline.model_dump_json(indent=1) + "\n")
    typer.echo(f"wrote {path}: {len(baseline.runs)} runs of track {track.name}, digest {track.digest[:12]}")


def verb(
    baseline: Annotated[Path, typer.Option(help="The baseline file.")],
    results: ResultsFolders = [RESULTS],  # noqa: B006 - typer wants a list
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="Allow no difference at all: for records that are stored, not run again."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--update", help="Write the baseline from these records instead of checking them.")
    ] = False,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The report for a pull request.")] = False,
) -> None:
    """Exit code 0: nothing is worse; 1: something is, or cannot be compared; 3: runs are missing or
    unfinished."""
    if write:
        update(baseline, results)
        return
    held = baselines.read(baseline)
    stored, broken = gather(results)
    outcomes = broken + check(held, stored, exact)
    if as_json:
        typer.echo(json.dumps(check_report.data(outcomes, held), indent=2))
    else:
        typer.echo(check_report.markdown(outcomes) if as_markdown else check_report.text(outcomes))
    if error := failure(outcomes):
        raise error
