"""`cbench diagnose`: what else a run did to the model, beside the concept scores; nothing is trained."""

from typing import TYPE_CHECKING, Annotated

import typer

from cbench.cli.options import RESULTS, Device, ResultsFolder, SuiteName, TrackName
from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.record.ceilings import write_ceilings
from cbench.record.record import Record
from cbench.results import Results

if TYPE_CHECKING:
    from cbench.workbench import Workbench


def verb(
    track: TrackName = "mini",
    suite: SuiteName = None,
    before: Annotated[
        bool,
        typer.Option("--before", help="Also each task's score before it is learned, for forward transfer."),
    ] = False,
    results: ResultsFolder = RESULTS,
    device: Device = "auto",
) -> None:
    """Prompt alignment, drift of the base model, class leakage, confusion between tasks, two concepts in one
    image; and the ceilings of the scores, real against real."""
    protocol, folder = open_track(track), Results(results)
    mine = [
        record
        for record in folder.records()
        if record.track.digest == protocol.digest and suite in (None, record.suite) and record.learned
    ]
    if not mine:
        raise BadInput(
            f"no record in {results} of {suite or 'any suite'} belongs to track {protocol.name} with digest "
            f"{protocol.digest}"
        )
    from cbench.posthoc.ceilings import ceilings_of
    from cbench.posthoc.diagnostics import embedding_metrics
    from cbench.workbench import open_workbench

    bench = open_workbench(protocol, folder, device)
    for stored in mine:
        with folder.locked(stored.file_name) as record:
            typer.echo(f"{record.file_name}: {_diagnose(record, bench, folder, before)}")
    for name in sorted({record.suite for record in mine}):
        of_suite = [record for record in mine if record.suite == name]
        metrics = dict.fromkeys(metric for record in of_suite for metric in embedding_metrics(record))
        if ceilings := ceilings_of(bench, name, list(metrics)):
            write_ceilings(results, ceilings)
            typer.echo(f"ceilings of {name}: written")


def _diagnose(record: Record, bench: "Workbench", results: Results, before: bool) -> str:
    from cbench.posthoc.diagnostics import add_diagnostics, has
    from cbench.posthoc.pairs import count
    from cbench.progress import Clock, progress

    if has(record, bench.track, before):
        return "had them already"
    earlier = record.companions.metrics.values() if record.companions else ()
    asked = (before or any(metric.before for metric in earlier)) and record.method.regime != "oracle"
    cells = 2 * record.learned + 2 * bool(bench.track.companions.generic) + (record.learned - 1) * asked
    if record.method.regime != "oracle":
        cells += 2 * count(bench.track.companions.pairs.get(record.suite), record.learned)
    title = f"diagnostics of {record.file_name.removesuffix('.json')}"
    with progress(title, Clock({"sample": (1.0,) * cells})) as show:
        add_diagnostics(record, bench, results, before, show)
    return "measured"
