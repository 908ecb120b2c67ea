"""`cbench figures`: pictures of stored runs."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, BoardSuite, BoardTrack, ResultsFolders
from cbench.errors import BadInput, CbenchError
from cbench.leaderboard import image_grids as example_pictures
from cbench.leaderboard import interference as opposed
from cbench.leaderboard.collect import BASE, Board, boards
from cbench.leaderboard.figures import Named, draw
from cbench.leaderboard.io import Stored, load
from cbench.plan import open_track
from cbench.track import Track


def verb(
    results: ResultsFolders = [RESULTS],  # noqa: B006 - typer wants a list
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the pictures.")] = Path("figures"),
    suite: BoardSuite = None,
    track: BoardTrack = None,
    interference: Annotated[
        bool, typer.Option("--interference", help="Also how later training opposes each task's update.")
    ] = False,
    per_layer: Annotated[bool, typer.Option("--per-layer", help="The same, layer by layer.")] = False,
    examples: Annotated[
        bool, typer.Option("--examples", help="Also stored images of every concept and method.")
    ] = False,
) -> None:
    """The first task over the stream, score matrices, forgetting against score: SVG and PNG."""
    protocol = open_track(track) if track and Path(track).suffix in (".yaml", ".yml") else None
    stored = load(results)
    tables = boards(stored, f"{protocol.name}@{protocol.digest}" if protocol else track, suite)
    more: list[Named] = []
    for board in tables if interference or per_layer or examples else ():
        more += _from_store(board, stored, protocol or _track_of(board), interference, per_layer, examples)
    for path in draw(tables, out, more):
        typer.echo(f"wrote {path}")


def _track_of(board: Board) -> Track:
    """The installed track of a board's name."""
    try:
        return open_track(board.track.name)
    except CbenchError as error:
        raise BadInput(
            f"track {board.track.name} is not installed ({error}); name its file with --track"
        ) from error


def _from_store(
    board: Board, stored: Sequence[Stored], track: Track, interference: bool, per_layer: bool, examples: bool
) -> list[Named]:
    """The figures that need adapters and images beside the records."""
    stem, more = f"{board.track.name}-{board.suite}", list[Named]()
    opposing = _opposed(board, stored, track) if interference or per_layer else {}
    if interference:
        more.append((f"{stem}-interference", partial(opposed.over_time, board, opposing)))
    if per_layer:
        more.append((f"{stem}-interference-layers", partial(opposed.per_layer, board, opposing)))
    if examples:
        run, chosen = example_pictures.choose(board, stored)
        more.append(
            (f"{stem}-examples", partial(example_pictures.grid, run, example_pictures.strips(chosen, track)))
        )
    return more


def _opposed(board: Board, stored: Sequence[Stored], track: Track) -> opposed.Interference:
    """The interference of every complete run that trains one model; this alone opens torch."""
    from cbench.posthoc.interference import of_run

    folders = {id(one.record): example_pictures.folder_of(one) for one in stored}
    entries = {
        label: e
        for label, e in board.entries.items()
        if e.runs and e.method.name != BASE and e.method.regime != "oracle"
    }
    every = {
        label: {run: of_run(r, track, folders[id(r)]) for run, r in entry.runs.items()}
        for label, entry in entries.items()
    }
    opposing = {
        label: kept
        for label, runs in every.items()
        if (kept := {run: pairs for run, pairs in runs.items() if pairs})
    }
    if not opposing:
        raise BadInput(
            f"no complete run of {board.suite} on {board.track.name} learns two tasks one after another: "
            "nothing can interfere"
        )
    return opposing
