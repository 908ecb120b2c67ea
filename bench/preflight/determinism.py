"""Proves on this machine that a run gives the same bytes again, or says what does not.

What may differ between machines, and is therefore in every record's provenance: the processor's or GPU's
kind, the number of threads, the precision, and the versions of the libraries."""

import dataclasses
import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cbench.plan import Plan
from cbench.plugins.encoders import embed
from cbench.preflight.finding import Finding
from cbench.record.cited import cited_entries
from cbench.record.files import read_record
from cbench.results import Results
from cbench.runner import run
from cbench.store.store import COST, SUMS
from cbench.utils.digest import digest_file
from cbench.workbench import Workbench, open_workbench


def prove(plan: Plan, device: str) -> list[Finding]:
    """The first task of a run, done in folders of their own: as it is, again, resumed from its half, and by
    two processes at once.

    Then the images of a cell scored together and one by one. Takes about as long as five tasks.
    """
    short = dataclasses.replace(plan, limit=1)
    with TemporaryDirectory(prefix="cbench-determinism-") as place:
        first, again, resumed, shared = (
            Path(place) / name for name in ("first", "again", "resumed", "shared")
        )
        bench = _do(short, device, first)
        _do(short, device, again)
        shutil.copytree(first, resumed)
        _forget_images(resumed)
        _do(short, device, resumed)
        told = [
            _same("the same run twice", first, again),
            _same("a run resumed after training", first, resumed),
        ]
        return [*told, _together(short, device, first, shared), *_alone(short, bench)]


def _do(plan: Plan, device: str, out: Path) -> Workbench:
    results = Results(out)
    results.check()
    bench = open_workbench(plan.track.of(plan.suite), results, device)
    run(plan, bench, results)
    return bench


def _forget_images(out: Path) -> None:
    """As if the run had ended after its training: without the images that its record cites, and their scores.
    The prior's images stay: a training that is there does not ask for them again."""
    shutil.rmtree(Results(out).store.root / "scores")
    for path in Results(out).record_files():
        for kind, key in cited_entries(read_record(path)):
            if kind == "images":
                shutil.rmtree(Results(out).store.folder(kind, key))


def _together(plan: Plan, device: str, first: Path, shared: Path) -> Finding:
    """Two processes, of as many threads each as this one, on one results folder."""
    import torch

    fresh = multiprocessing.get_context("spawn")
    pair = [
        fresh.Process(target=_as_threads, args=(torch.get_num_threads(), plan, device, shared))
        for _ in range(2)
    ]
    for process in pair:
        process.start()
    for process in pair:
        process.join()
    claim, codes = "two processes on one folder", [process.exitcode for process in pair]
    return (
        _same(claim, first, shared)
        if codes == [0, 0]
        else Finding(claim, False, f"they ended with codes {codes}")
    )


def _as_threads(threads: int, plan: Plan, device: str, out: Path) -> None:
    import torch

    torch.set_num_threads(threads)
    _do(plan, device, out)


def contents(out: Path) -> dict[str, str]:
    """What a run stored: file -> digest, but for what tells times."""
    files = (
        path
        for path in sorted(Results(out).store.root.rglob("*"))
        if path.is_file() and path.name not in (COST, SUMS)
    )
    return {path.relative_to(out).as_posix(): digest_file(path) for path in files}


def _same(claim: str, one: Path, two: Path) -> Finding:
    a, b = contents(one), contents(two)
    moved = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    return Finding(
        claim,
        not moved,
        f"{len(a)} files, byte by byte"
        if not moved
        else f"{len(moved)} of {len(a)} differ, first {moved[0]}",
    )


def _alone(plan: Plan, bench: Workbench) -> Iterator[Finding]:
    """Each metric on the images of the first task: together, and one by one."""
    images = bench.open_images([example.image for example in plan.tasks[0].examples])
    for name in plan.metrics:
        metric = bench.metric(name)
        apart = float(
            np.abs(embed(metric, images) - np.concatenate([embed(metric, [image]) for image in images])).max()
        )
        yield Finding(
            f"{name}, whatever the scoring batch", apart == 0, f"embeddings differ by at most {apart:.2g}"
        )
