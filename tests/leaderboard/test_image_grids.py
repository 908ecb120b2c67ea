"""Grids of examples from stored image sheets."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

from cbench.errors import BadInput
from cbench.leaderboard.collect import boards
from cbench.leaderboard.image_grids import choose, collage, grid, strips, usual
from cbench.leaderboard.io import Stored
from cbench.plan import open_track
from cbench.plugins.streams import digest_stream, open_stream
from cbench.record.record import Kept, TrackRef
from cbench.store.store import Store
from cbench.utils.images import write_sheet

TASKS = 3


def entry(store: Store, shade: int) -> str:
    """A sheet of 2 x 2 images whose first is of one shade; its key."""
    images = np.full((4, 64, 64, 3), 255, dtype=np.uint8)
    images[0] = shade
    store.remember("images", f"{shade:032}", lambda folder: write_sheet(images, 2, folder / "images.png"))
    return f"{shade:032}"


@pytest.fixture
def track_file(stream_file: Path, tmp_path: Path) -> Path:
    """A track whose weights nobody opens."""
    suite = {"dataset": "folder", "options": {"path": str(stream_file)}, "metrics": ["colour"]}
    values = {
        "name": "tiny",
        "version": 1,
        "summary": "no weights",
        "backbone": {"path": "nowhere", "resolution": 64},
        "training": {
            "rank": 2,
            "steps": 3,
            "batch": 2,
            "learning_rate": 0.01,
            "weight_decay": 0.0,
            "max_grad_norm": 1.0,
        },
        "sampling": {
            "steps": 2,
            "guidance": 2.0,
            "scheduler": "DDIMScheduler",
            "images_per_prompt": 2,
            "batch": 8,
        },
        "suites": {"colours": suite},
        "orders": [0, 5],
        "seeds": [0, 5],
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture
def stored(records: SimpleNamespace, track_file: Path, tmp_path: Path) -> list[Stored]:
    """Two methods; task j's image has the shade 10 (j + 1) + i after task i, and 100 + j of the base
    model."""
    track, out = open_track(str(track_file)), tmp_path / "out"
    stream, store = open_stream(track, "colours"), Store(tmp_path / "out" / "store")
    tasks = tuple(task.name for task in stream.ordered(0))
    images = tuple(tuple(entry(store, 10 * (j + 1) + i) for j in range(i + 1)) for i in range(TASKS))
    kept = Kept(images=images, base_images=tuple(entry(store, 100 + j) for j in range(TASKS)))
    about = {
        "track": TrackRef(name=track.name, version=1, digest=track.digest),
        "suite_digest": digest_stream(stream),
    }
    made = [
        records.make_record(m, suite="colours", tasks=TASKS, metrics=("colour",))
        for m in ("naive", "magmax", "base")
    ]
    found = [record.model_copy(update={**about, "tasks": tasks, "kept": kept}) for record in made]
    return [Stored(out / "records" / record.file_name, record) for record in found]


def shade(image: object) -> int:
    return int(np.asarray(image)[0, 0, 0])


def test_strips_hold_the_images_of_their_time(stored: list[Stored], track_file: Path) -> None:
    run, chosen = choose(boards(stored)[0], stored)
    shown = strips(chosen, open_track(str(track_file)))
    assert run == (0, 0) and [strip.prompt.split()[1] for strip in shown] == list(stored[0].record.tasks)
    for j, strip in enumerate(shown):
        assert list(strip.images) == ["magmax", "naive"] and shade(strip.base) == 100 + j
        assert [shade(image) for image in strip.images["naive"]] == [
            10 * (j + 1) + j,
            10 * (j + 1) + TASKS - 1,
        ]
        shown_references = np.asarray(strip.references)
        assert shown_references.shape == (64, 64, 3)
        assert [shown_references[0, x].min() for x in (0, 63)] == [0, 40]  # the first two side by side,
        assert shown_references[63].min() == 255  # and nothing below them


def test_grid_has_a_row_a_concept_and_two_pictures_a_method(stored: list[Stored], track_file: Path) -> None:
    run, chosen = choose(boards(stored)[0], stored)
    figure = grid(run, strips(chosen, open_track(str(track_file))))
    assert len(figure.axes) == TASKS * (2 + 2 * 2)
    titles = [ax.get_title() for ax in figure.axes[:6]]
    assert titles == [
        "references",
        "base model",
        "magmax\nafter the task",
        "\nat the end",
        "naive\nafter the task",
        "\nat the end",
    ]


@pytest.mark.parametrize(
    ("count", "corners"), [(1, [0, 0, 0, 0]), (3, [0, 50, 100, 255]), (9, [0, 50, 100, 255])]
)
def test_the_first_three_references_share_a_cell(tmp_path: Path, count: int, corners: list[int]) -> None:
    paths = [tmp_path / f"{k}.png" for k in range(count)]
    for k, path in enumerate(paths):
        Image.new("RGB", (40, 30), (50 * k % 256,) * 3).save(path)
    made = collage(paths, 64)
    assert made.size == (64, 64)
    assert [made.getpixel(at)[0] for at in ((0, 0), (63, 0), (0, 63), (63, 63))] == corners


def test_the_run_that_most_methods_have() -> None:
    assert usual([(5, 0), (0, 5), (5, 0)]) == (5, 0)
    assert usual([(5, 0), (0, 5)]) == (0, 5)


def test_nothing_learned_nothing_to_show(stored: list[Stored]) -> None:
    base = stored[2:]
    with pytest.raises(BadInput, match="there are no images to show"):
        choose(boards(base)[0], base)


def test_lost_images_are_named(stored: list[Stored], track_file: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "out" / "store")
    _, chosen = choose(boards(stored)[0], stored)
    with pytest.raises(BadInput, match="are not in"):
        strips(chosen, open_track(str(track_file)))
