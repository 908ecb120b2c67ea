"""Stored pictures of the methods from the same noise, every one with its score."""

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cbench.errors import CbenchError
from cbench.leaderboard.collect import Board
from cbench.leaderboard.image_grids import choose, folder_of
from cbench.leaderboard.io import Stored
from cbench.record.record import Record
from cbench.results import Results
from cbench.store.store import Store
from cbench.utils.images import load_image

SIDE = 256
"""Pixels of a picture on a page; larger ones are scaled down."""


class Pictures(NamedTuple):
    """The pictures of one run of every method."""

    about: dict[str, Any]
    """For the page: order, seed, tasks, and method -> task -> moment -> file and scores; `missing` says why
    there are none."""
    files: dict[str, bytes]


def _first_image(store: Store, key: str, side: int) -> bytes:
    sheet = load_image(store.require("images", key) / "images.png")
    image = sheet.crop((0, 0, side, side))
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def cell_entries(record: Record, store: Store) -> dict[float, list[float]]:
    """Cell's score -> the score of each of its images. A record lists the entries of its scores without
    their cells: a cell is recognised by its number; numbers that two different entries share are left out."""
    cells: dict[float, list[float]] = {}
    shared = set()
    for key in record.kept.scores:
        folder = store.find("scores", key)
        images = json.loads((folder / "scores.json").read_text()).get("per_image") if folder else None
        if not images:
            continue
        cell = _cell(images)
        if cells.setdefault(cell, images) != images:
            shared.add(cell)
    return {cell: images for cell, images in cells.items() if cell not in shared}


def _cell(images: Sequence[float]) -> float:
    import numpy as np

    return float(np.mean(images))


def _scores(record: Record, per_image: Mapping[float, Sequence[float]], i: int, j: int) -> dict[str, Any]:
    """Metric -> the first image's own score, or that of all images of the cell."""

    def one(cell: float) -> dict[str, Any]:
        if cell in per_image:
            return {"score": per_image[cell][0], "own": True}
        return {"score": cell, "own": False}

    return {metric: one(scores.rows[i][j]) for metric, scores in record.scores.items()}


def pictures(board: Board, stored: Sequence[Stored], side: int, folder: str) -> Pictures:
    """The first prompt's picture from the first noise, right after its task and at the end, of the run that
    most methods have; `side` is the track's resolution, `folder` where the files go."""
    try:
        (order, seed), chosen = choose(board, stored)
        return _of_run(order, seed, chosen, side, folder)
    except CbenchError as error:
        return Pictures({"missing": str(error)}, {})


def _of_run(order: int, seed: int, chosen: Sequence[Stored], side: int, folder: str) -> Pictures:
    files: dict[str, bytes] = {}
    methods: dict[str, Any] = {}
    for number, one in enumerate(chosen):
        record, store = one.record, Results(folder_of(one)).store
        rows, per_image, last = record.stored.images, cell_entries(record, store), record.learned - 1
        tasks = methods.setdefault(record.method.label, {})
        for j, task in enumerate(record.tasks):
            for moment, i in (("after", j), ("end", last)):
                name = f"{folder}/{number}-{j}-{moment}.png"
                files[name] = _first_image(store, rows[i][j], side)
                tasks.setdefault(task, {})[moment] = {
                    "file": name,
                    "scores": _scores(record, per_image, i, j),
                }
    about = {"order": order, "seed": seed, "tasks": list(chosen[0].record.tasks), "methods": methods}
    return Pictures(about, files)
