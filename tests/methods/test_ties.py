"""Trim, elect, average: against the definition written out over sorted entries."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.methods.ties import least_kept, ties
from cbench.plugins.methods import make_method
from cbench.update import product

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))

FIRST, SECOND = algebra.of((4, -1), (0.5, 2)), algebra.of((-3, 1), (3, 0.2))


def written_out(updates, density):
    """TIES over one long vector an update."""
    names, trimmed = sorted(updates[0]), []
    for update in updates:
        entries = torch.cat([update[n].flatten() for n in names])
        kept = int(density * len(entries))
        least = entries.abs().sort(descending=True).values[kept - 1] if kept else torch.inf
        trimmed.append(torch.where(entries.abs() >= least, entries, 0))
    stacked = torch.stack(trimmed)
    sign = stacked.sum(0).sign()
    sign = torch.where(sign == 0, sign.sum().sign(), sign)
    agree = stacked * sign > 0
    merged = (stacked * agree).sum(0) / agree.sum(0).clamp(min=1)
    parts = merged.split([updates[0][n].numel() for n in names])
    return {n: part.view_as(updates[0][n]) for n, part in zip(names, parts, strict=True)}


def test_example():
    """One entry more, as the official kthvalue keeps, would give [[4, 1], [3, 2]]."""
    method = make_method("ties", {"density": "0.5", "scale": "1"})
    algebra.close(algebra.model(method, [FIRST, SECOND]), {"a": [[4, 0], [3, 2]]})


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4), algebra.SEEDS, st.floats(0.01, 1))
def test_one_merger_of_several_updates(count, seed, density):
    updates = [product(adapter) for adapter in algebra.adapters(count, seed=seed)]
    merged = ties(updates, [least_kept(update, density) for update in updates])
    algebra.close(merged, written_out(updates, density))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0]), min_size=6, max_size=6), min_size=2, max_size=4
    )
)
def test_cancelling_entries_follow_the_majority_of_signs(rows):
    """Over few values sums of zero are common; one layer's majority decides in the other."""
    updates = [{"a": torch.tensor([row[:4]]), "b": torch.tensor([row[4:]])} for row in rows]
    merged = ties(updates, [least_kept(update, 1.0) for update in updates])
    algebra.close(merged, written_out(updates, 1.0))


@settings(max_examples=50, deadline=None)
@given(algebra.SEEDS, st.floats(0, 1), st.integers(1, 300))
def test_the_least_kept_magnitude_is_that_of_the_sorted_entries(seed, density, size):
    draws = torch.Generator().manual_seed(seed)
    update = {n: torch.randn(2, size, generator=draws) * scale for n, scale in (("a", 1.0), ("b", 1e-6))}
    entries = torch.cat([change.abs().flatten() for change in update.values()]).sort(descending=True).values
    kept = int(density * len(entries))
    assert least_kept(update, density) == (entries[kept - 1].item() if kept else float("inf"))


def test_an_untrained_update_is_merged_to_nothing():
    zero = {"a": torch.zeros(3, 4)}
    assert least_kept(zero, 0.2) == 0 and not ties([zero, zero], [0.0, 0.0])["a"].any()


@settings(max_examples=20, deadline=None)
@given(algebra.SEEDS, st.integers(1, 5))
def test_the_running_pair(seed, count):
    trained = algebra.adapters(count, seed=seed)
    method = make_method("ties", {"scale": "1"})
    expected = written_out([product(trained[0])], 0.2)
    for adapter in trained[1:]:
        expected = written_out([expected, product(adapter)], 0.2)
    algebra.close(algebra.model(method, trained), expected)
