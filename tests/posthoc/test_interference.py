"""Interference against its definition, on dense matrices and on a real run."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.posthoc.interference import compare, interference, of_run, whole
from cbench.record.files import read_record


def tensor(values):
    return torch.tensor(values, dtype=torch.float32)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2, width=16), st.floats(-2, 2, width=16)), min_size=1, max_size=12))
def test_slow_definition(entries):
    found = compare(tensor([v for v, _ in entries]), tensor([d for _, d in entries]))
    against = [(v, d) for v, d in entries if (v > 0 and d < 0) or (v < 0 and d > 0)]
    moved, norm = [v for v, _ in entries if v], sum(v * v for v, _ in entries)
    assert found.share == (pytest.approx(len(against) / len(moved)) if moved else None)
    unequal = [(v, d) for v, d in entries if (v > 0) - (v < 0) != (d > 0) - (d < 0)]
    assert found.study_share == (pytest.approx(len(unequal) / len(entries)) if moved else None)
    if norm > 1e-6:
        study = (sum(d * d for _, d in unequal) / norm) ** 0.5
        assert found.study_ratio == pytest.approx(study, rel=1e-4)
        assert found.ratio == pytest.approx((sum(d * d for _, d in against) / norm) ** 0.5, rel=1e-4)


def test_worked_example():
    """Task 1 moves both weights up; task 2 takes the first back beyond its start."""
    layers = interference([{"a": tensor([1.0, 1.0])}, {"a": tensor([-2.0, 1.0])}])[1, 2]
    assert layers["a"].ratio == pytest.approx(2 / 2**0.5) and layers["a"].share == 0.5


def test_the_study_counts_unmoved_weights_as_opposed():
    """By hand: v = (3, 4, 0, 0, 1), d = (-1, 2, 2, 0, 0). Signs differ at entries 1, 3 and 5; of the moved
    weights only the first turned. |v| = sqrt(26)."""
    found = compare(tensor([3.0, 4.0, 0.0, 0.0, 1.0]), tensor([-1.0, 2.0, 2.0, 0.0, 0.0]))
    assert found.study_ratio == pytest.approx((5 / 26) ** 0.5) and found.study_share == 3 / 5
    assert found.ratio == pytest.approx((1 / 26) ** 0.5) and found.share == pytest.approx(1 / 3)


def test_nothing_opposes_what_only_grows_and_everything_what_turns():
    up = {"a": tensor([1.0, -2.0]), "b": tensor([3.0])}
    grown = {name: 2 * value for name, value in up.items()}
    turned = {name: -value for name, value in up.items()}
    assert whole(interference([up, grown])[1, 2]).ratio == 0
    assert (
        whole(interference([up, turned])[1, 2]).ratio == 1
        and whole(interference([up, turned])[1, 2]).share == 1
    )


def test_layers_add_up_and_absent_ones_are_zero():
    pairs = interference(
        [{"a": tensor([1.0])}, {"b": tensor([2.0])}, {"a": tensor([-1.0]), "b": tensor([-2.0])}]
    )
    assert set(pairs) == {(1, 2), (1, 3), (2, 3)} and set(pairs[1, 2]) == {"a", "b"}
    assert pairs[1, 2]["b"].ratio is None, "task 1 did not move b"
    joined = compare(tensor([-1.0, 2.0]), tensor([-2.0, -2.0]))
    assert whole(pairs[2, 3]) == joined


@pytest.fixture
def ran(learn, track_file, tmp_path):
    def run(method):
        learn(track_file, tmp_path / "out", method)
        return read_record(next((tmp_path / "out" / "records").glob(f"*{method}*.json")))

    return run


def test_a_real_run(ran, track_file, tmp_path):
    pairs = of_run(ran("merge_init"), open_track(str(track_file)), tmp_path / "out")
    assert set(pairs) == {(1, 2), (1, 3), (2, 3)}
    sums = whole(pairs[1, 3])
    assert sums.ratio > 0 and 0 < sums.share < 1 and all(".to_" in layer for layer in pairs[1, 3])
    assert of_run(ran("base"), open_track(str(track_file)), tmp_path / "out") == {}


def test_a_lost_adapter_is_named(ran, track_file, tmp_path):
    record = ran("naive")
    key = record.kept.adapters[1]
    (tmp_path / "out" / "store" / "adapters" / key[:2] / key / "adapter.safetensors").write_bytes(b"damaged")
    with pytest.raises(BadInput, match=f"adapters {key} are not in"):
        of_run(record, open_track(str(track_file)), tmp_path / "out")
