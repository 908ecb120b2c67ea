"""Tests on this machine that a run gives the same bytes again, or reports what differs.

Results may differ between machines; every record's provenance has the reasons: the processor or GPU, the
number of threads, the precision, and the versions of the libraries."""

import dataclasses
import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from cbench.plan import Plan
from cbench.plugins.encoders import embed
from cbench.plugins.metrics import score_images
from cbench.preflight.finding import Finding
from cbench.record.cited import cited_entries
from cbench.record.files import read_record
from cbench.results import Results
from cbench.runner import run
from cbench.store.store import COST, SUMS
from cbench.utils.digest import digest_file
from cbench.workbench import Workbench, open_workbench


def prove(plan: Plan, device: str) -> list[Finding]:
    """The first task of a run, in temporary folders: twice, resumed after training, and in two processes at
    once; then the images of a cell scored together and one by one. Takes as long as about five tasks.
    """
    short = dataclasses.replace(plan, limit=1)
    with TemporaryDirectory(prefix="cbench-determinism-") as folder:
        first, again, resumed, shared = (
            Path(folder) / name for name in ("first", "again", "resumed", "shared")
        )
        bench = _do(short, device, first)
        _do(short, device, again)
        shutil.copytree(first, resumed)
        _remove_images(resumed)
        _do(short, device, resumed)
        return [
            _same("the same run twice", first, again),
            _same("a run resumed after training", first, resumed),
            _together(short, device, first, shared),
            *_alone(short, bench),
        ]


def _do(plan: Plan, device: str, out: Path) -> Workbench:
    results = Results(out)
    results.check()
    bench = open_workbench(plan.track.of(plan.suite), results, device)
    run(plan, bench, results)
    return bench


def _remove_images(out: Path) -> None:
    """Make it look as if the run had ended after its training: remove the images that its record cites, and
    all scores. Images for prior preservation stay: a finished training does not need them again."""
    shutil.rmtree(Results(out).store.root / "scores")
    for path in Results(out).record_files():
        for kind, key in cited_entries(read_record(path)):
            if kind == "images":
                shutil.rmtree(Results(out).store.folder(kind, key))


def _together(plan: Plan, device: str, first: Path, shared: Path) -> Finding:
    """Two processes on one results folder, each with as many threads as this one."""
    import torch

    context = multiprocessing.get_context("spawn")
    arguments = torch.get_num_threads(), plan, device, shared
    pair = [context.Process(target=_as_threads, args=arguments) for _ in range(2)]
    for process in pair:
        process.start()
    for process in pair:
        process.join()
    what, codes = "two processes on one folder", [process.exitcode for process in pair]
    if codes != [0, 0]:
        return Finding(what, False, f"they ended with exit codes {codes}")
    return _same(what, first, shared)


def _as_threads(threads: int, plan: Plan, device: str, out: Path) -> None:
    import torch

    torch.set_num_threads(threads)
    _do(plan, device, out)


def contents(out: Path) -> dict[str, str]:
    """The files that a run stored: path -> digest, without the files that contain times."""
    files = (
        path
        for path in sorted(Results(out).store.root.rglob("*"))
        if path.is_file() and path.name not in (COST, SUMS)
    )
    return {path.relative_to(out).as_posix(): digest_file(path) for path in files}


def _same(what: str, one: Path, two: Path) -> Finding:
    a, b = contents(one), contents(two)
    differ = sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))
    if differ:
        return Finding(what, False, f"{len(differ)} of {len(a)} files differ, first {differ[0]}")
    return Finding(what, True, f"{len(a)} files, byte by byte")


def _alone(plan: Plan, bench: Workbench) -> Iterator[Finding]:
    """Each metric of single images on those of the first task: scored together, and one by one."""
    examples = plan.tasks[0].examples
    images, prompts = bench.open_images([e.image for e in examples]), [e.prompt for e in examples]
    for name in plan.metrics:
        metric, kind, scale, _ = bench.loaded(name)
        if kind == "compare":
            continue
        if kind == "embed":
            what, together = "embeddings", embed(metric, images)
            alone = np.concatenate([embed(metric, [image]) for image in images])
        else:
            what, pairs = "scores", zip(images, prompts, strict=True)
            together = np.array(score_images(name, metric, scale, images, prompts))
            alone = np.concatenate(
                [score_images(name, metric, scale, [image], [prompt]) for image, prompt in pairs]
            )
        gap = float(np.abs(together - alone).max())
        detail = f"{what} differ by at most {gap:.2g}"
        yield Finding(f"{name}, whatever the scoring batch", gap == 0, detail)
