"""`cbench doctor`: is this machine ready for a track?"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, Device, ResultsFolder, SuiteName, TrackName
from cbench.errors import CheckFailed
from cbench.plan import open_track, plans
from cbench.preflight.finding import Finding


def verb(
    track: TrackName = "mini",
    suite: SuiteName = None,
    results: ResultsFolder = RESULTS,
    device: Device = "auto",
    determinism: Annotated[
        bool,
        typer.Option(
            "--determinism",
            help="Instead, prove that a run gives the same bytes again: takes as long as some five tasks.",
        ),
    ] = False,
    method: Annotated[
        str, typer.Option("--method", envvar="CBENCH_METHOD", help="The method that is run for it.")
    ] = "merge_init",
    as_json: AsJson = False,
) -> None:
    """Device, memory, disk, plugins, weights and data. Exit code 1: something is not in order."""
    findings = (
        _proofs(track, suite, method, device) if determinism else _checks(track, suite, results, device)
    )
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings]))
    else:
        for what, good, detail in findings:
            typer.echo(f"{'ok  ' if good else 'FAIL'} {what:<{40 if determinism else 15}} {detail}")
    bad = [finding.what for finding in findings if not finding.good]
    if bad:
        raise CheckFailed(f"{len(bad)} of {len(findings)} checks failed: {', '.join(bad)}")


def _checks(track: str, suite: str | None, results: Path, device: str) -> list[Finding]:
    from cbench.plugins.streams import chosen_suites
    from cbench.preflight.doctor import check_machine

    protocol = open_track(track)
    return list(check_machine(protocol, chosen_suites(protocol, suite), results, device))


def _proofs(track: str, suite: str | None, method: str, device: str) -> list[Finding]:
    """On the first suite if none is named."""
    plan = plans(track, suite or next(iter(open_track(track).suites)), method, {}, None, None, False, None)[0]
    from cbench.backbone.device import pick
    from cbench.preflight.determinism import prove

    return prove(plan, pick(device))
