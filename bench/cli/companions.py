"""`cbench companions`: what else a run did to the model, beside the concept scores; nothing is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cbench.cli.options import Out
from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.record.record import Record
from cbench.results import read_records
from cbench.scheduler import has_lease

if TYPE_CHECKING:
    from cbench.workbench import Workbench


def verb(
    track: Annotated[
        str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol whose records are measured.")
    ] = "mini",
    suite: Annotated[
        str | None, typer.Option("--suite", envvar="CBENCH_SUITE", help="Only this suite.")
    ] = None,
    before: Annotated[
        bool,
        typer.Option("--before", help="Also each task's score before it is learned, for forward transfer."),
    ] = False,
    out: Out = Path("results"),
    device: Annotated[
        str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")
    ] = "auto",
) -> None:
    """Prompt alignment, drift of the base model, class leakage, confusion between tasks."""
    protocol = open_track(track)
    mine = [
        r
        for r in read_records(out)
        if r.track.digest == protocol.digest and suite in (None, r.suite) and r.learned
    ]
    if not mine:
        raise BadInput(
            f"no record in {out} of {suite or 'any suite'} belongs to track {protocol.name} with digest "
            f"{protocol.digest}"
        )
    from cbench.backbone.device import pick
    from cbench.store.store import Store
    from cbench.workbench import Workbench

    bench = Workbench(protocol, Store(out / "store"), pick(device), lambda stage, count, seconds: None)
    for found in mine:
        with has_lease(found.file_name, out) as record:
            typer.echo(f"{record.file_name}: {_one(record, bench, out, before)}")


def _one(record: Record, bench: "Workbench", out: Path, before: bool) -> str:
    from cbench.posthoc.diagnostics import add_diagnostics, has
    from cbench.progress import Clock, progress

    if has(record, bench.track, before):
        return "had them already"
    cells = 2 * record.learned + 2 * bool(bench.track.companions.generic) + (record.learned - 1) * before
    with progress(
        f"companions of {record.file_name.removesuffix('.json')}", Clock({"sample": cells})
    ) as tell:
        bench.tell = tell
        add_diagnostics(record, bench, out, before)
    return "measured"
