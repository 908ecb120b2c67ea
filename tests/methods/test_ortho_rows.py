"""Starts outside the earlier tasks' row spaces."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch

from cbench.method import Memory
from cbench.plugins.methods import make_method
from cbench.update import gaussian

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_ortho_rows_starts_outside_the_earlier_rows_at_the_fresh_length():
    shapes, method = {"a": (6, 12)}, make_method("ortho_rows", {})
    trained = algebra.adapters(3, shapes=shapes)
    memory, fresh = algebra.after(method, trained), gaussian(shapes, 2, 7)
    start = method.start(memory, fresh)["a"]
    _, _, directions = torch.linalg.svd(memory.update["a"].double(), full_matrices=False)
    assert (start.A.double() @ directions.T).abs().max() < 1e-5 and not start.B.any()
    torch.testing.assert_close(start.A.norm(), fresh["a"].A.norm())
    torch.testing.assert_close(
        memory.update["a"], sum(adapter["a"].B @ adapter["a"].A for adapter in trained)
    )


def test_ortho_rows_leaves_room_for_its_rank_when_the_rows_are_full():
    update = torch.randn(12, 12, generator=torch.Generator().manual_seed(0))
    start = make_method("ortho_rows", {}).start(Memory(update={"a": update}), gaussian({"a": (12, 12)}, 2, 0))
    assert torch.linalg.matrix_rank(start["a"].A) == 2 and torch.isfinite(start["a"].A).all()


def test_ortho_rows_starts_fresh_at_the_first_task():
    fresh = gaussian(algebra.SHAPES, 2, 0)
    assert make_method("ortho_rows", {}).start(Memory(), fresh) == fresh
