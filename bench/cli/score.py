"""`cbench score`: one more metric over stored images; nothing is sampled."""

from typing import Annotated

import typer

from cbench.cli.options import RESULTS, Device, ResultsFolder, TrackName, names
from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.results import Results


def verb(
    metric: Annotated[
        str,
        typer.Option(
            "--metric", help="The metric's name (`cbench ls metrics`).", autocompletion=names("metrics")
        ),
    ],
    track: TrackName = "mini",
    results: ResultsFolder = RESULTS,
    device: Device = "auto",
) -> None:
    """Add a metric's scores to every record of a track."""
    protocol, folder = open_track(track), Results(results)
    mine = [record for record in folder.records() if record.track.digest == protocol.digest]
    if not mine:
        raise BadInput(
            f"no record in {results} belongs to track {protocol.name} with digest {protocol.digest}"
        )
    from cbench.posthoc.rescore import rescore
    from cbench.workbench import open_workbench

    bench = open_workbench(protocol, folder, device)
    for stored in mine:
        with folder.locked(stored.file_name) as record:
            scored = rescore(record, metric, bench, folder)
        typer.echo(f"{stored.file_name}: {'scored' if scored else 'had it already'}")
