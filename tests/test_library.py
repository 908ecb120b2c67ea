"""Adapters of several tasks in one flat mapping."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.library import Products, library, products, shelved
from cbench.update import Factors, product

LAYERS = ("down_blocks.0.attn1.to_out.0", "add_embedding.linear_1")


def adapter(seed):
    draws = torch.Generator().manual_seed(seed)
    return {
        n: Factors(torch.randn(2, 4, generator=draws), torch.randn(3, 2, generator=draws)) for n in LAYERS
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab/. é", min_size=1), min_size=1, max_size=5, unique=True))
def test_what_was_shelved_comes_back_in_order(names):
    """Whatever the tasks are called: also with slashes."""
    extra = {}
    for seed, name in enumerate(names):
        extra = shelved(extra, name, adapter(seed))
    kept = library(extra)
    assert list(kept) == names
    for seed, name in enumerate(names):
        for layer in LAYERS:
            assert all(
                torch.equal(a, b) for a, b in zip(kept[name][layer], adapter(seed)[layer], strict=True)
            )


def test_products_are_those_of_the_adapters():
    extra = shelved(shelved({}, "one", adapter(1)), "two", adapter(2))
    for lazy, seed in zip(products(extra), (1, 2), strict=True):
        dense = product(adapter(seed))
        assert len(lazy) == len(dense) and all(torch.equal(lazy[n], dense[n]) for n in dense)
    assert isinstance(products(extra)[0], Products)
