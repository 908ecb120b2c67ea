"""Two learned concepts in one image: which pairs, their prompts, and how a metric sees the images.

An image of both concepts is similar to the references of each; one that shows a single concept is similar to
its own alone. So the measure is the lower of the two similarities, held against the same of images with one
concept. It needs no detector; what it cannot tell is one hybrid of two concepts from two things side by
side."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from cbench.errors import BadInput
from cbench.record.diagnostics import PairScores
from cbench.task import Task
from cbench.track import PairSpec


class Pair(NamedTuple):
    """Two tasks, by their place among the learned ones, and the task that asks for both."""

    first: int
    second: int
    task: Task


def pairs_of(spec: PairSpec, tasks: Sequence[Task], canonical: Sequence[str]) -> list[Pair]:
    """The pairs of some learned tasks. They are taken in the stream's canonical order, so that all orders
    have the same. BadInput for a caption that does not have the form that the track says."""
    places = {task.name: place for place, task in enumerate(tasks)}
    learned = [places[name] for name in canonical if name in places]
    if spec.which == "all" or len(learned) < 3:
        chosen = list(combinations(learned, 2))
    else:
        chosen = list(zip(learned, [*learned[1:], learned[0]], strict=True))
    words = [concept(spec, task) for task in tasks]
    return [Pair(a, b, _task(spec.prompt.format(words[a], words[b]))) for a, b in chosen]


def count(spec: PairSpec | None, learned: int) -> int:
    """How many pairs so many learned tasks have."""
    if spec is None:
        return 0
    every = learned * (learned - 1) // 2
    return every if spec.which == "all" or learned < 3 else learned


def _task(prompt: str) -> Task:
    return Task("pair", (), (), (prompt,), (prompt,))


def concept(spec: PairSpec, task: Task) -> str:
    """The words of a task's concept: `a sks cat`, of the caption `a photo of a sks cat`."""
    before, after = map(re.escape, spec.caption.split("{}"))
    caption = task.examples[0].prompt
    match = re.fullmatch(f"{before}(.+){after}", caption)
    if match is None:
        raise BadInput(
            f"task {task.name}: caption {caption!r} has not the form {spec.caption!r} of the track's "
            "companions.pairs"
        )
    return match[1]


class PairImages(NamedTuple):
    """Unit embeddings of the images of one pair, each images x dimensions."""

    both: np.ndarray
    """By the final model,"""
    base: np.ndarray
    """by the base model, of the same prompt."""
    alone: np.ndarray
    """Of either concept alone, by the final model."""


def pair_scores(
    images: Sequence[PairImages], references: Sequence[tuple[np.ndarray, np.ndarray]]
) -> PairScores:
    """The scores of all pairs; of each pair the unit embeddings of both concepts' references."""
    rows = [_of_one(one, first, second) for one, (first, second) in zip(images, references, strict=True)]
    return PairScores(**{name: tuple(row[name] for row in rows) for name in PairScores.model_fields})


def _of_one(images: PairImages, first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    similar = _similarities(images.both, first, second)
    centre = first.mean(0) / np.linalg.norm(first.mean(0)) + second.mean(0) / np.linalg.norm(second.mean(0))
    return {
        "first": float(similar[:, 0].mean()),
        "second": float(similar[:, 1].mean()),
        "average": float((images.both @ (centre / np.linalg.norm(centre))).mean()),
        "both": float(similar.min(1).mean()),
        "both_base": float(_similarities(images.base, first, second).min(1).mean()),
        "alone": float(_similarities(images.alone, first, second).min(1).mean()),
    }


def _similarities(images: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """images x 2: the mean cosine similarity of each image and each concept's references."""
    return np.stack([(images @ first.T).mean(1), (images @ second.T).mean(1)], 1)
