"""Real against real."""

from pathlib import Path

import numpy as np
import pytest

from cbench.errors import BadInput
from cbench.posthoc.ceilings import real_against_real
from cbench.record.ceilings import FILE, Ceiling, read_ceilings, write_ceilings


class References:
    """A reader whose task is the embeddings themselves."""

    def references(self, task: np.ndarray) -> np.ndarray:
        return task / np.linalg.norm(task, axis=1, keepdims=True)


def test_every_reference_against_the_others() -> None:
    task = np.random.RandomState(0).normal(size=(5, 3))
    units = References().references(task)
    pairs = [float(units[a] @ units[b]) for a in range(5) for b in range(5) if a != b]
    assert real_against_real(References(), task) == pytest.approx(sum(pairs) / len(pairs))  # type: ignore[arg-type]
    assert real_against_real(References(), task[:1]) is None  # type: ignore[arg-type]


def ceiling(metric: str, value: float) -> Ceiling:
    return Ceiling(track_digest="d", suite="objects", suite_digest="s", metric=metric, tasks={"a": value})


def test_ceilings_are_added_and_replaced(tmp_path: Path) -> None:
    assert read_ceilings(tmp_path) == ()
    write_ceilings(tmp_path, (ceiling("dino", 0.5), ceiling("clip_i", 0.7)))
    write_ceilings(tmp_path, (ceiling("dino", 0.6),))
    assert read_ceilings(tmp_path) == (ceiling("clip_i", 0.7), ceiling("dino", 0.6))


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 2, "ceilings": []}'])
def test_another_file_is_named_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(BadInput, match=r"ceilings.json: .*`cbench diagnose` writes it again"):
        read_ceilings(tmp_path)
