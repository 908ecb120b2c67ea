"""Tasks and streams: the concepts that a model learns, one after another."""

import random
from pathlib import Path
from typing import NamedTuple

from cbench.utils.names import Slug


class Example(NamedTuple):
    """One training image and its caption."""

    image: Path
    prompt: str


class Task(NamedTuple):
    """One concept."""

    name: Slug
    """Unique in its stream; letters, digits, `-` and `_`."""
    examples: tuple[Example, ...]
    references: tuple[Path, ...]
    """Images to compare the generated ones with."""
    prompts: tuple[str, ...]
    """Evaluation prompts with the concept filled in."""
    plain_prompts: tuple[str, ...]
    """The same prompts without the identifier (token or style name)."""


class Stream(NamedTuple):
    """The tasks of a suite in their canonical order."""

    name: str
    tasks: tuple[Task, ...]

    def ordered(self, order: int) -> tuple[Task, ...]:
        """The tasks after `random.seed(order); random.shuffle(tasks)`, the study's permutations."""
        tasks = list(self.tasks)
        random.Random(order).shuffle(tasks)
        return tuple(tasks)
