"""How long the store takes to write, find and verify an entry, and what share of a small run safety costs
(the aim is 2 %)."""

import time
from collections import Counter
from pathlib import Path

import pytest

from cbench.store import store as stores
from cbench.store.store import Store, is_intact

MEGABYTE = bytes(range(256)) * 4096
SIZES = {"scores": 0, "images": 1, "adapters": 16}
"""Kind of entry -> megabytes, about as the sd15 track's."""


def filler(size: int):
    def fill(folder: Path) -> None:
        with (folder / "data.bin").open("wb") as file:
            for _ in range(size):
                file.write(MEGABYTE)
        (folder / "cost.json").write_text('{"seconds": 1.0}')

    return fill


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIZES)
def test_write(benchmark, tmp_path: Path, kind: str) -> None:
    store, keys = Store(tmp_path), iter(f"{n:032x}" for n in range(10**6))
    benchmark.pedantic(
        lambda: store.remember(kind, next(keys), filler(SIZES[kind])), rounds=20, warmup_rounds=2
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIZES)
def test_find(benchmark, tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    store.remember(kind, "a" * 32, filler(SIZES[kind]))
    assert benchmark(lambda: store.find(kind, "a" * 32))


@pytest.mark.slow
def test_verify_of_a_thousand_entries(benchmark, tmp_path: Path) -> None:
    store = Store(tmp_path)
    folders = [store.remember("scores", f"{n:032x}", filler(0)) for n in range(1000)]
    assert benchmark.pedantic(lambda: all(is_intact(folder) for folder in folders), rounds=3)


def test_cost_of_safety(cli, track_values, track_file, tmp_path, monkeypatch, record_property):
    """Seconds in checksums and flushes, of a run whose stages are thousands of times cheaper than a
    track's."""
    spent: Counter = Counter()

    def timed(name: str):
        honest = getattr(stores, name)

        def call(*told):
            began = time.perf_counter()
            try:
                return honest(*told)
            finally:
                spent[name] += time.perf_counter() - began

        return call

    monkeypatch.setattr(stores, "seal", timed("seal"))
    began = time.perf_counter()
    assert (
        cli(
            "run",
            "--method",
            "merge_init",
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            tmp_path / "out",
        )[0]
        == 0
    )
    took = time.perf_counter() - began
    entries = len(list((tmp_path / "out" / "store").glob("*/*/*")))
    share = sum(spent.values()) / took
    record_property("share", share)
    print(
        f"\nsafety: {sum(spent.values()):.3f} s of {took:.2f} s for {entries} entries = {100 * share:.1f} % "
        f"{dict(spent)}"
    )
    assert spent["seal"] > 0
