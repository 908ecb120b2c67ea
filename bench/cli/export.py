"""`cbench export`: what a run learned, for other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, ResultsFolder
from cbench.errors import BadInput
from cbench.leaderboard.io import find_run
from cbench.plan import open_track
from cbench.results import Results


class What(StrEnum):
    """What is written."""

    update = "update"
    adapter = "adapter"


class Naming(StrEnum):
    """Whose names the tensors have."""

    diffusers = "diffusers"
    kohya = "kohya"


def verb(
    run: Annotated[str, typer.Argument(help="A record's path, or its name in the results folder.")],
    task: Annotated[int, typer.Option("--task", help="After which task, 1 the first learned.")],
    what: Annotated[
        What, typer.Option("--what", help="The whole change of the model, or the adapter of that task alone.")
    ] = What.update,
    rank: Annotated[
        int | None,
        typer.Option("--rank", min=1, help="Rank of a written update; the track's times the tasks."),
    ] = None,
    naming: Annotated[
        Naming, typer.Option("--naming", help="For load_lora_weights, or for user interfaces.")
    ] = Naming.diffusers,
    track: Annotated[
        str | None, typer.Option("--track", help="The track's file, if the track is not registered.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file; <run>-task<N>.safetensors by default.")
    ] = None,
    results: ResultsFolder = RESULTS,
) -> None:
    """LoRA safetensors for `pipeline.load_lora_weights`, or in kohya's naming.

    A dense update is truncated to the rank; the loss is reported."""
    record = find_run(run, results).record
    if what is What.adapter and rank:
        raise BadInput("--rank: an adapter has its rank; --what update takes one")
    protocol = open_track(track or record.track.name)
    from cbench.posthoc.export import export, write
    from cbench.posthoc.lora_names import base_of
    from cbench.workbench import open_workbench

    bench = open_workbench(protocol, Results(results), "cpu")
    exported = export(record, bench, task, what.value, rank)
    path = out or Path(f"{record.file_name.removesuffix('.json')}-task{task}.safetensors")
    write(exported, path, naming.value, base_of(protocol.backbone))
    ranks = max(factors.A.shape[0] for factors in exported.adapter.values())
    typer.echo(
        f"wrote {path}: {len(exported.adapter)} layers, rank {ranks}, {100 * exported.lost:.4f} % of the "
        "update's norm lost"
    )
