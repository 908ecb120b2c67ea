"""Looks at the words of a stream: placeholders that were never filled, words that two tasks share, and words
that a text encoder does not read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Any

from cbench.errors import BadInput
from cbench.task import Stream, Task
from cbench.utils.text import one_line

SHOWN = 5
PLACEHOLDER = re.compile(r"\{\w*\}")


def captions(task: Task) -> list[str]:
    """Every text of a task that a text encoder reads, once."""
    return list(dict.fromkeys([*(e.prompt for e in task.examples), *task.prompts, *task.plain_prompts]))


def texts(stream: Stream) -> list[str]:
    """Every text of a stream that a text encoder reads."""
    return [text for task in stream.tasks for text in captions(task)]


def check_captions(stream: Stream) -> None:
    """BadInput for a text with a placeholder that was never filled in, such as `{}`."""
    for task in stream.tasks:
        for text in captions(task):
            if match := PLACEHOLDER.search(text):
                raise BadInput(
                    f"task {task.name}: {match[0]} is left in {one_line(text, 120)!r}; write the concept's "
                    "words there"
                )


def shared_captions(stream: Stream) -> Iterator[str]:
    """A line for any two tasks with an equal training caption or evaluation prompt."""
    for one, two in combinations(stream.tasks, 2):
        for what, words in (("caption", _training), ("prompt", _evaluation)):
            if both := sorted(words(one) & words(two)):
                yield (
                    f"tasks {one.name} and {two.name} have the same {what} {one_line(both[0], 120)!r}: no "
                    "model can tell them apart by it"
                )


def _training(task: Task) -> set[str]:
    return {example.prompt for example in task.examples}


def _evaluation(task: Task) -> set[str]:
    return set(task.prompts)


def cut_captions(texts: Sequence[str], tokenizers: Sequence[Any]) -> Iterator[str]:
    """A line for every text that is longer than a tokenizer of the pipeline lets through."""
    for text in dict.fromkeys(texts):
        for tokenizer in tokenizers:
            count, most = len(tokenizer(text).input_ids), tokenizer.model_max_length
            if count > most:
                yield (
                    f"{one_line(text, 120)!r} has {count} tokens and the text encoder reads {most}: the rest "
                    "has no effect"
                )
                break


def first_lines(lines: Iterable[str]) -> Iterator[str]:
    """The first lines, and how many more there are."""
    left = iter(lines)
    yield from islice(left, SHOWN)
    if more := sum(1 for _ in left):
        yield f"and {more} more like this"
