"""The update algebra, by its laws."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.update import add, add_factors, flat, gaussian, larger, product, unflat

SHAPES = {"a": (3, 4), "b": (5, 2)}


@st.composite
def updates(draw):
    seed = draw(st.integers(0, 10_000))
    generator = torch.Generator().manual_seed(seed)
    names = draw(st.sets(st.sampled_from(sorted(SHAPES))))
    return {n: torch.randn(SHAPES[n], generator=generator).round(decimals=1) for n in sorted(names)}


def adapter(seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        n: type(f)(f.A, torch.randn(f.B.shape, generator=generator))
        for n, f in gaussian(SHAPES, 2, seed).items()
    }


def same(first, second):
    return all(
        torch.equal(first.get(n, torch.zeros(SHAPES[n])), second.get(n, torch.zeros(SHAPES[n])))
        for n in SHAPES
    )


@settings(max_examples=50, deadline=None)
@given(updates(), updates())
def test_sum_commutes_and_nothing_is_zero(u, v):
    assert same(add(u, v), add(v, u)) and same(add(u, {}), u)


@settings(max_examples=50, deadline=None)
@given(updates(), updates())
def test_larger_takes_each_entry_from_the_greater(u, v):
    found = larger(u, v)
    for name in found:
        a, b = (w.get(name, torch.zeros(SHAPES[name])) for w in (u, v))
        for x, y, z in zip(
            a.flatten().tolist(), b.flatten().tolist(), found[name].flatten().tolist(), strict=True
        ):
            assert z == (x if abs(x) > abs(y) else y)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(100, 199))
def test_summed_factors_hold_the_cross_terms(i, j):
    first, second = adapter(i), adapter(j)
    both = product(add_factors(first, second))
    for name in SHAPES:
        (a1, b1), (a2, b2) = first[name], second[name]
        torch.testing.assert_close(both[name], b1 @ a1 + b2 @ a2 + b1 @ a2 + b2 @ a1)


def test_fresh_adapter_changes_nothing_and_has_pefts_spread():
    fresh = gaussian({"wide": (8, 4000)}, 16, 3)
    assert not product(fresh)["wide"].any()
    assert abs(fresh["wide"].A.std().item() * 16 - 1) < 0.02


def test_flat_round_trip():
    first = adapter(1)
    again = unflat(flat(first))
    assert all(torch.equal(first[n].A, again[n].A) and torch.equal(first[n].B, again[n].B) for n in SHAPES)
