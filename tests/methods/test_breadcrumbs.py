"""Neither the largest nor the smallest entries."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.methods.breadcrumbs import middle
from cbench.plugins.methods import make_method

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))


def test_example():
    change = torch.tensor([[1.0, -2, 3, -4, 5], [-6, 7, -8, 9, -10]])
    expected = torch.tensor([[0.0, 0, 0, -4, 5], [-6, 7, -8, 9, 0]])
    torch.testing.assert_close(middle(change, density=0.6, outliers=0.1), expected)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.05, 1), st.floats(0, 0.5), st.integers(2, 40), algebra.SEEDS)
def test_keeps_the_entries_between_two_ranks(density, outliers, columns, seed):
    change = torch.randn(5, columns, generator=torch.Generator().manual_seed(seed))
    n = 5 * columns
    kept = int(density * n)
    above = min(int(outliers * n), n - kept)
    order = change.abs().flatten().argsort(descending=True)
    expected = torch.zeros(n)
    expected[order[above : above + kept]] = change.flatten()[order[above : above + kept]]
    torch.testing.assert_close(middle(change, density, outliers).flatten(), expected)


def test_with_everything_kept_it_is_task_arithmetic():
    trained = algebra.adapters(3)
    expected = algebra.model(make_method("task_arithmetic", {}), trained)
    method = make_method("breadcrumbs", {"density": "1", "outliers": "0"})
    algebra.close(algebra.model(method, trained), expected)
