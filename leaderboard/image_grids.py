"""Image grids: each concept's first references, then each method's images right after the task and at the
end, from the same noise."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cbench.errors import BadInput
from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.io import Stored
from cbench.leaderboard.plot_style import text
from cbench.leaderboard.statistics import Run
from cbench.posthoc.replay import tasks_of
from cbench.results import Results
from cbench.task import Task
from cbench.track import Track
from cbench.utils.images import grid as tiled
from cbench.utils.images import load_image, read_sheet, square

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image


CELL = 0.8
"""Inches."""


REFERENCES = 3
"""Several, because one reference may show little of a concept."""


class Strip(NamedTuple):
    """The row of one concept."""

    prompt: str
    references: "Image"
    base: "Image"
    images: dict[str, tuple["Image", "Image"]]
    """Method label -> image right after the task, image at the end."""


def folder_of(stored: Stored) -> Path:
    """The results folder of a record."""
    folder = stored.path.parent
    return folder.parent if folder.name == "records" else folder


def usual(runs: Sequence[Run]) -> Run:
    """The run that most methods have; the first if several are equally frequent."""
    counts = Counter(runs)
    return min(counts, key=lambda run: (-counts[run], run))


def first_image(stored: Stored, key: str, side: int) -> "Image":
    """The first prompt's image from the first noise."""
    store = Results(folder_of(stored)).store
    return read_sheet(store.require("images", key) / "images.png", side)[0]


def collage(paths: Sequence[Path], side: int) -> "Image":
    """The first images, two in a row, at the size of one image; a single image stays whole."""
    if len(paths) == 1:
        return square(load_image(paths[0]), side)
    small = [square(load_image(path), side // 2) for path in paths[:REFERENCES]]
    return tiled([small[:2], small[2:]], gap=0)


def strips(chosen: Sequence[Stored], track: Track) -> list[Strip]:
    """A strip for each task of the stream, in the order learned. `chosen` are complete runs of one (order,
    seed), one for each method."""
    tasks, side = tasks_of(chosen[0].record, track), track.backbone.resolution
    return [_strip(j, task, chosen, side) for j, task in enumerate(tasks)]


def _strip(j: int, task: Task, chosen: Sequence[Stored], side: int) -> Strip:
    def both(one: Stored) -> tuple["Image", "Image"]:
        rows = one.record.stored.images
        return first_image(one, rows[j][j], side), first_image(one, rows[-1][j], side)

    return Strip(
        prompt=task.prompts[0],
        references=collage(task.references, side),
        base=first_image(chosen[0], chosen[0].record.stored.base_images[j], side),
        images={one.record.method.label: both(one) for one in chosen},
    )


def choose(board: Board, stored: Sequence[Stored]) -> tuple[Run, list[Stored]]:
    """The run that most methods have finished, and each method's record of it, in the board's order.

    Raises BadInput if no method that trains has a complete run."""
    key = board.track, board.suite, board.suite_digest
    trained = [
        s
        for s in stored
        if (s.record.track, s.record.suite, s.record.suite_digest) == key
        and s.record.complete
        and s.record.method.name != BASE
    ]
    if not trained:
        raise BadInput(
            f"no complete run of {board.suite} on {board.track.name} has learned anything; there are no "
            "images to show"
        )
    run, labels = usual([(s.record.order, s.record.seed) for s in trained]), list(board.entries)
    chosen = [s for s in trained if (s.record.order, s.record.seed) == run]
    return run, sorted(chosen, key=lambda s: labels.index(s.record.method.label))


def grid(run: Run, strips: Sequence[Strip]) -> "Figure":
    """A row for each concept: references, base model, then two images for each method."""
    from matplotlib.figure import Figure

    labels = list(strips[0].images)
    columns = 2 + 2 * len(labels)
    figure = Figure(figsize=(CELL * columns + 2.4, CELL * len(strips) + 0.8), layout="constrained")
    axes = figure.subplots(len(strips), columns, squeeze=False)
    heads = ["references", "base model"]
    heads += [part for label in labels for part in (f"{text(label)}\nafter the task", "\nat the end")]
    for row, strip in zip(axes, strips, strict=True):
        images = [strip.references, strip.base]
        images += [image for label in labels for image in strip.images[label]]
        for ax, image in zip(row, images, strict=True):
            ax.imshow(image, interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.grid(False)
            ax.spines[:].set_visible(False)
        row[0].set_ylabel(text(strip.prompt), rotation=0, ha="right", va="center", fontsize=7)
    for ax, head in zip(axes[0], heads, strict=True):
        ax.set_title(head, fontsize=7)
    title = f"order {run[0]}, seed {run[1]}; the first prompt of each concept, the first noise"
    figure.suptitle(title, fontsize=8)
    return figure
