"""`cbench prepare`: what a track needs, and the fetching of it."""

import json
from typing import Annotated

import typer

from cbench.cli.options import AsJson
from cbench.errors import Incomplete
from cbench.hub import megabytes
from cbench.plan import open_track


def verb(
    track: Annotated[str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol.")] = "mini",
    suite: Annotated[str | None, typer.Option("--suite", envvar="CBENCH_SUITE", help="Only what this suite needs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is needed; fetch nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sizes, licences and places of weights and data; fetches what is missing. Exit code 3: something still is."""
    from cbench.needs import check_suites, needs

    protocol = open_track(track)
    wanted = needs(protocol, check_suites(protocol, suite))
    missing = [need for need in wanted if need.found is None]
    if as_json:
        typer.echo(json.dumps([need.told() for need in wanted]))
    else:
        _tell([need.line for need in wanted], sum(need.source.size for need in missing if need.source))
    if dry_run:
        return
    from cbench.fetch import fetch

    troubles = []
    for need in missing:
        try:
            typer.echo(f"fetched  {fetch(need)}", err=as_json)
        except Incomplete as error:
            troubles.append(str(error))
    if troubles:
        raise Incomplete(f"{len(troubles)} of {len(wanted)} are missing: {'; '.join(troubles)}")


def _tell(lines: list[str], size: int) -> None:
    for line in lines or ["this track needs nothing that cbench does not bring"]:
        typer.echo(line)
    if size:
        typer.echo(f"to fetch: {megabytes(size)}")
