"""`cbench check`: stored or fresh records held against a baseline."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolders
from cbench.errors import BadInput
from cbench.leaderboard import baseline as baselines
from cbench.leaderboard import check_report
from cbench.leaderboard.as_good import FALSE_ALARMS, judge, outcomes_of
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
    as_good: Annotated[
        bool,
        typer.Option(
            "--as-good",
            help="Test whether the method is as good as before within the spread of several runs, also of "
            "another machine or with other seeds.",
        ),
    ] = False,
    false_alarms: Annotated[
        float,
        typer.Option(
            min=1e-6, max=0.5, help="With --as-good: the probability that correct runs fail the whole check."
        ),
    ] = FALSE_ALARMS,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The report for a pull request.")] = False,
) -> None:
    """Exit code 0: nothing is worse; 1: something is, or cannot be compared; 3: runs are missing or
    unfinished."""
    if write:
        update(baseline, results)
        return
    if exact and as_good:
        raise BadInput("--exact and --as-good are two claims; name one")
    held = baselines.read(baseline)
    stored, broken = gather(results)

    def show(data: Callable[[], object], markdown: Callable[[], str], text: Callable[[], str]) -> None:
        typer.echo(json.dumps(data(), indent=2) if as_json else markdown() if as_markdown else text())

    if as_good:
        judgements, unjudged = judge(held, stored, false_alarms)
        unjudged, outcomes = broken + unjudged, broken + unjudged + outcomes_of(judgements)
        show(
            lambda: check_report.as_good_data(judgements, unjudged, held, false_alarms),
            lambda: check_report.as_good_markdown(judgements, unjudged, false_alarms),
            lambda: check_report.as_good_text(judgements, unjudged, false_alarms),
        )
    else:
        outcomes = broken + check(held, stored, exact)
        show(
            lambda: check_report.data(outcomes, held, exact),
            lambda: check_report.markdown(outcomes, exact),
            lambda: check_report.text(outcomes, exact),
        )
    if error := failure(outcomes):
        raise error
