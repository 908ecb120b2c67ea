"""Builds records with made-up numbers for the tests of the leaderboard and of its verbs."""

import json
import random
from pathlib import Path
from typing import Any

from cbench.record.record import Costs, MethodRef, Provenance, Record, Scores, TrackRef

TITLES = {
    "base": "Base model",
    "naive": "Naive fine-tuning",
    "merge_init": "Merge & initialization",
    "magmax": "Magnitude-based merging",
}
SKILL = {"base": (0.0, 0.0), "naive": (0.5, 0.75), "merge_init": (0.5, 0.9), "magmax": (0.3, 0.95)}
"""Method -> the part of the gap that a task closes, and the part of it that each later task leaves."""


def make_scores(method: str = "naive", tasks: int = 4, learned: int | None = None, dice: int = 0) -> Scores:
    rng = random.Random(f"{method} {dice}")
    base = tuple(0.1 + 0.01 * j for j in range(tasks))
    learn, keep = SKILL.get(method, (0.4, 0.8))

    def cell(i: int, j: int) -> float:
        return base[j] + (learn * keep ** (i - j) + rng.uniform(-0.02, 0.02) if method != "base" else 0)

    rows = tuple(
        tuple(cell(i, j) for j in range(i + 1)) for i in range(tasks if learned is None else learned)
    )
    return Scores(base=base, rows=rows)


def make_record(
    method: str = "naive",
    *,
    order: int = 0,
    seed: int = 0,
    suite: str = "objects",
    track: str = "mini",
    digest: str = "d" * 64,
    tasks: int = 4,
    learned: int | None = None,
    metrics: tuple[str, ...] = ("mini_clip_i", "mini_dino"),
    **changes: Any,
) -> Record:
    """A record; `changes` replace fields of the record, or of its method (`title`, `options`, `regime`,
    `version`)."""
    about = {k: changes.pop(k) for k in ("title", "options", "regime", "version") if k in changes}
    scores = {m: make_scores(method, tasks, learned, dice_of(order, seed, k)) for k, m in enumerate(metrics)}
    names = [f"task{j}" for j in range(tasks)]
    random.Random(order).shuffle(names)
    fields = {
        "track": TrackRef(name=track, version=1, digest=digest),
        "suite": suite,
        "suite_digest": "s" * 64,
        "method": MethodRef(
            **(
                {"name": method, "title": TITLES.get(method, method), "version": 1, "regime": "strict"}
                | about
            )
        ),
        "order": order,
        "seed": seed,
        "tasks": tuple(names),
        "scores": scores,
        "costs": Costs(
            train_seconds=60,
            sample_seconds=100,
            score_seconds=5,
            peak_memory_bytes=2**31,
            trained_parameters=10**6,
        ),
        "provenance": Provenance(
            cbench="0.1.0", commit="c" * 40, dirty=False, device="cpu", precision="float32", threads=2
        ),
    }
    return Record(**(fields | changes))


def dice_of(order: int, seed: int, metric: int) -> int:
    """A number of its own for every run and metric."""
    return order * 10_000 + seed * 100 + metric


def grid(
    methods: tuple[str, ...] = tuple(SKILL),
    orders: tuple[int, ...] = (0, 5),
    seeds: tuple = (0, 5),
    **rest: Any,
) -> list[Record]:
    """Every method on every (order, seed)."""
    return [make_record(m, order=o, seed=s, **rest) for m in methods for o in orders for s in seeds]


def write(folder: Path, records: list[Record]) -> Path:
    """The records as a results folder."""
    home = folder / "records"
    home.mkdir(parents=True, exist_ok=True)
    for record in records:
        (home / f"{record.file_name}").write_text(record.model_dump_json(), encoding="utf-8")
    return folder


def damage(path: Path, change: Any) -> None:
    """Edits a stored record by hand."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def elsewhere(record: Record, **changes: object) -> Record:
    """The record as of another machine or version."""
    return record.model_copy(update={"provenance": record.provenance.model_copy(update=changes)})
