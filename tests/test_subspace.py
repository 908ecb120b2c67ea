"""Subspaces of layers' inputs against dense linear algebra."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.subspace import by_layer, joining, once, spectrum

QUICK = settings(max_examples=20, deadline=None)


def test_layers_fed_alike_share_one_entry():
    one, two = torch.eye(2), torch.eye(3)
    shared = once({"q": one, "out": two, "k": one})
    assert {key: id(t) for key, t in shared.items()} == {"k q": id(one), "out": id(two)}
    assert {key: id(t) for key, t in by_layer(shared).items()} == {"q": id(one), "k": id(one), "out": id(two)}


@QUICK
@given(seed=st.integers(0, 10**6), d=st.integers(1, 6), n=st.integers(1, 8))
def test_the_spectrum_of_a_gram_matrix_has_the_squared_singular_values(seed, d, n):
    matrix = torch.randn(d, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    values, vectors = spectrum(matrix @ matrix.T)
    sizes = torch.zeros(d, dtype=torch.float64)
    sizes[: min(d, n)] = torch.linalg.svdvals(matrix)
    torch.testing.assert_close(values, sizes.square(), atol=1e-9, rtol=1e-6)
    torch.testing.assert_close(vectors * values @ vectors.T, matrix @ matrix.T)
    assert (values >= 0).all() and (values.diff() <= 0).all()


@QUICK
@given(
    shares=st.lists(st.floats(0.001, 1), min_size=1, max_size=6),
    explained=st.floats(0, 0.9),
    threshold=st.floats(0, 1),
)
def test_directions_join_until_the_threshold_is_reached(shares, explained, threshold):
    left = torch.tensor(sorted(shares, reverse=True), dtype=torch.float64)
    left = left / left.sum() * (1 - explained)
    count = joining(left, explained, threshold, first=False)
    reached = explained + float(left[:count].sum())
    before = explained + float(left[: max(0, count - 1)].sum())
    assert reached >= threshold - 1e-9 or count == len(left)
    assert count == 0 or before < threshold + 1e-9
    assert joining(left, explained, threshold, first=True) in (count, count - 1)
