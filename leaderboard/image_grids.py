"""Examples: a concept's first references, then what each method's model makes of it right after the task and
at the end, from one noise."""

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
"""One reference may show little of a concept."""


class Strip(NamedTuple):
    """One concept."""

    prompt: str
    references: "Image"
    base: "Image"
    made: dict[str, tuple["Image", "Image"]]
    """Method label -> right after the task, at the end."""


def folder_of(stored: Stored) -> Path:
    """The results folder of a record."""
    home = stored.path.parent
    return home.parent if home.name == "records" else home


def usual(runs: Sequence[Run]) -> Run:
    """The run that most methods have; the first of several."""
    counts = Counter(runs)
    return min(counts, key=lambda run: (-counts[run], run))


def first_image(found: Stored, key: str, side: int) -> "Image":
    """The first prompt's image from the first noise."""
    return read_sheet(Results(folder_of(found)).store.cited("images", key) / "images.png", side)[0]


def collage(paths: Sequence[Path], side: int) -> "Image":
    """The first images, two in a row, as large as one; a single one as it is."""
    if len(paths) == 1:
        return square(load_image(paths[0]), side)
    small = [square(load_image(path), side // 2) for path in paths[:REFERENCES]]
    return tiled([small[:2], small[2:]], gap=0)


def strips(chosen: Sequence[Stored], track: Track) -> list[Strip]:
    """A strip for each task of the stream in the order learned; `chosen` are complete runs of one (order,
    seed), one a method."""
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
        made={one.record.method.label: both(one) for one in chosen},
    )


def choose(board: Board, stored: Sequence[Stored]) -> tuple[Run, list[Stored]]:
    """The run that most methods have finished, and each method's record of it, in the board's order; BadInput
    where none trains."""
    mine = [
        s
        for s in stored
        if (s.record.track, s.record.suite, s.record.suite_digest)
        == (board.track, board.suite, board.suite_digest)
    ]
    runs = [
        (s.record.order, s.record.seed) for s in mine if s.record.complete and s.record.method.name != BASE
    ]
    if not runs:
        raise BadInput(
            f"no complete run of {board.suite} on {board.track.name} has learned anything: there are no "
            "examples to show"
        )
    run, labels = usual(runs), list(board.entries)
    found = [
        s
        for s in mine
        if s.record.complete and (s.record.order, s.record.seed) == run and s.record.method.name != BASE
    ]
    return run, sorted(found, key=lambda s: labels.index(s.record.method.label))


def grid(run: Run, shown: Sequence[Strip]) -> "Figure":
    """A row a concept: references, base model, then two pictures a method."""
    from matplotlib.figure import Figure

    labels = list(shown[0].made)
    columns = 2 + 2 * len(labels)
    figure = Figure(figsize=(CELL * columns + 2.4, CELL * len(shown) + 0.8), layout="constrained")
    axes = figure.subplots(len(shown), columns, squeeze=False)
    heads = [
        "references",
        "base model",
        *(part for label in labels for part in (f"{text(label)}\nafter the task", "\nat the end")),
    ]
    for row, strip in zip(axes, shown, strict=True):
        pictures = [strip.references, strip.base, *(image for label in labels for image in strip.made[label])]
        for ax, picture in zip(row, pictures, strict=True):
            ax.imshow(picture, interpolation="nearest")
            ax.set_xticks([])
            ax.set_yticks([])
            ax.grid(False)
            ax.spines[:].set_visible(False)
        row[0].set_ylabel(text(strip.prompt), rotation=0, ha="right", va="center", fontsize=7)
    for ax, head in zip(axes[0], heads, strict=True):
        ax.set_title(head, fontsize=7)
    figure.suptitle(
        f"order {run[0]}, seed {run[1]}; the first prompt of each concept, the first noise", fontsize=8
    )
    return figure
