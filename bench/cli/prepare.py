"""`cbench prepare`: what a track needs, and the fetching of it."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from cbench.cli.options import AsJson, SuiteName, TrackName
from cbench.errors import Incomplete, Unreachable
from cbench.plan import open_track
from cbench.utils.text import megabytes

if TYPE_CHECKING:
    from cbench.resources.requirements import Requirement


def verb(
    track: TrackName = "mini",
    suite: SuiteName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is needed; fetch nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sizes, licences and places of weights and data; fetches what is missing. Exit code 3: something still
    is."""
    from cbench.plugins.streams import chosen_suites
    from cbench.resources.requirements import requirements

    protocol = open_track(track)
    wanted = requirements(protocol, chosen_suites(protocol, suite))
    missing = [need for need in wanted if need.path is None]
    if as_json:
        typer.echo(json.dumps([need.to_json() for need in wanted]))
    else:
        _tell([need.to_line() for need in wanted], sum(need.source.size for need in missing if need.source))
    if dry_run:
        return
    _fetch(missing, len(wanted), as_json)


def _fetch(missing: Sequence["Requirement"], wanted: int, as_json: bool) -> None:
    """Fetch one after the other; a hub that does not answer is not asked again."""
    from cbench.resources.disk_space import disk_space
    from cbench.resources.download import download

    full = {room.disk: room.to_line() for room in disk_space(missing) if room.needed > room.free}
    if full:
        raise Incomplete(
            f"no room for it: {'; '.join(full.values())} (HF_HOME and CBENCH_DATA name other places)"
        )
    troubles, done = [], 0
    for index, need in enumerate(missing):
        try:
            typer.echo(f"fetched  {download(need)}", err=as_json)
            done += 1
        except Unreachable:
            by_hand = ", ".join(f"{left.at} at {left.manual_path}" for left in missing[index:])
            troubles.append(f"the hub cannot be reached; put by hand {by_hand}")
            break
        except Incomplete as error:
            troubles.append(str(error))
    if troubles:
        raise Incomplete(f"{len(missing) - done} of {wanted} are missing: {'; '.join(troubles)}")


def _tell(lines: list[str], size: int) -> None:
    for line in lines or ["this track needs nothing that cbench does not bring"]:
        typer.echo(line)
    if size:
        typer.echo(f"to fetch: {megabytes(size)}")
