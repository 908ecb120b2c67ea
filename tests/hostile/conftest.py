"""A small world without weights: what is refused here is refused before anything heavy is imported."""

import copy
import json
import runpy
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from PIL import Image

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
TRACK = {
    "name": "tiny",
    "version": 1,
    "summary": "no weights",
    "backbone": {"path": "/nowhere", "resolution": 64},
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
    "suites": {"colours": {"dataset": "folder", "options": {"path": "stream.yaml"}, "metrics": ["colour"]}},
    "orders": [0, 5],
    "seeds": [0, 5],
}
TASKS = [
    {
        "name": name,
        "images": f"{name}.png",
        "prompt": f"a {name} wall",
        "prompts": [f"a {name} cat", f"a {name} tree"],
        "plain_prompts": ["cat", "tree"],
    }
    for name in ("red", "green")
]
STREAM = {"name": "colours", "tasks": TASKS}
ABSENT = object()
"""In a table: take the field away."""


def put(values: Any, place: str, value: Any) -> Any:
    """A copy with the value at a dotted place."""
    values = copy.deepcopy(values)
    *way, last = [int(part) if part.isdigit() else part for part in place.split("/")]
    inner = values
    for part in way:
        inner = inner[part]
    if value is ABSENT:
        del inner[last]
    else:
        inner[last] = value
    return values


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a sound track, a sound stream and its images."""
    for name in ("red", "green"):
        Image.new("RGB", (40, 40), name).save(tmp_path / f"{name}.png")
    (tmp_path / "stream.yaml").write_text(yaml.safe_dump(STREAM))
    sound = put(TRACK, "suites/colours/options/path", str(tmp_path / "stream.yaml"))
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(sound))
    return tmp_path


@pytest.fixture
def run_words(home: Path) -> Callable[..., list[object]]:
    """`cbench run` of the method that needs no torch, on the small world."""
    return lambda *more: [
        "run",
        "--method=base",
        "--suite=colours",
        "--track",
        home / "tiny.yaml",
        "--results",
        home / "out",
        *more,
    ]


@pytest.fixture
def refused(cli) -> Callable[..., str]:
    """Calls `cbench` and wants one printable line that holds `line`, and the exit code; gives the line."""

    def call(words: list[object], line: str, code: int = 2) -> str:
        found, out, error = cli(*words)
        assert found == code, (found, out, error)
        assert error.startswith("cbench: ") and error.count("\n") == 1 and "Traceback" not in out + error, (
            error
        )
        assert line in error, error
        assert not dirty(error) and not dirty(out)
        return error

    return call


def dirty(text: str) -> str:
    """The control and formatting characters of a text, line breaks apart."""
    return "".join(c for c in text if unicodedata.category(c).startswith("C") and c != "\n")


@pytest.fixture
def hostile() -> SimpleNamespace:
    return SimpleNamespace(
        put=put,
        track=TRACK,
        stream=STREAM,
        dirty=dirty,
        build=build,
        record=json.loads(build.make_record().model_dump_json()),
    )
