"""`cbench score`: one more metric over stored images; nothing is sampled."""

from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import Out
from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.results import read_records
from cbench.scheduler import has_lease


def verb(
    metric: Annotated[str, typer.Option("--metric", help="The metric's name (`cbench ls metrics`).")],
    track: Annotated[
        str, typer.Option("--track", envvar="CBENCH_TRACK", help="The protocol whose records are scored.")
    ] = "mini",
    out: Out = Path("results"),
    device: Annotated[
        str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")
    ] = "auto",
) -> None:
    """Add a metric's scores to every record of a track."""
    protocol = open_track(track)
    mine = [record for record in read_records(out) if record.track.digest == protocol.digest]
    if not mine:
        raise BadInput(f"no record in {out} belongs to track {protocol.name} with digest {protocol.digest}")
    from cbench.backbone.device import pick
    from cbench.posthoc.rescore import rescore
    from cbench.store.store import Store
    from cbench.workbench import Workbench

    bench = Workbench(protocol, Store(out / "store"), pick(device), lambda stage, count, seconds: None)
    for found in mine:
        with has_lease(found.file_name, out) as record:
            scored = rescore(record, metric, bench, out)
        typer.echo(f"{found.file_name}: {'scored' if scored else 'had it already'}")
