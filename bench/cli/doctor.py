"""`cbench doctor`: is this machine ready for a track?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import AsJson, Out
from cbench.errors import CheckFailed
from cbench.plan import open_track


def verb(
    track: Annotated[str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol.")] = "mini",
    suite: Annotated[str | None, typer.Option("--suite", envvar="CBENCH_SUITE", help="Only what this suite needs.")] = None,
    out: Out = Path("results"),
    device: Annotated[str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Device, memory, disk, plugins, weights and data. Exit code 1: something is not in order."""
    from cbench.checkup import checkup
    from cbench.needs import check_suites

    protocol = open_track(track)
    findings = list(checkup(protocol, check_suites(protocol, suite), out, device))
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        for what, good, told in findings:
            typer.echo(f"{'ok ' if good else 'NOT'} {what:<15} {told}")
    bad = [finding.what for finding in findings if not finding.good]
    if bad:
        raise CheckFailed(f"{len(bad)} of {len(findings)} checks failed: {', '.join(bad)}")
