"""Runs on paper: the work that they name is the work that real runs store."""

import pytest

from cbench.dry_run import together, work_of
from cbench.plan import plans
from cbench.record.files import read_record
from cbench.results import run_name

METHODS = ("base", "naive", "merge_init", "ortho_init", "magmax", "half_merge")


@pytest.fixture
def planned(track_file):
    def plan(method, **options):
        (one,) = plans(str(track_file), "colours", method, options, None, None, False, None)
        return one

    return plan


def test_shared_work_is_what_real_runs_share(cli, planned, track_file, tmp_path):
    """The number of different trainings and cells on paper is that of the store after the runs."""
    works = [work_of(planned(method)) for method in METHODS]
    for method in METHODS:
        words = (
            "--method",
            method,
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            tmp_path / "out",
        )
        assert cli("run", *words)[0] == 0
    kept = [
        read_record(tmp_path / "out" / "records" / f"{run_name(planned(method))}.json").kept
        for method in METHODS
    ]
    for work, stored in zip(works, kept, strict=True):
        assert len(work.of("train")) == len({*stored.adapters})
        cells = {key for row in (stored.base_images, *stored.images) for key in row}
        assert len(work.of("sample")) == len(cells)
    every = together(works)
    assert every.exact and len(every.of("train")) == len({key for one in kept for key in one.adapters})
    stored = {key for one in kept for row in (one.base_images, *one.images) for key in row}
    assert len(every.of("sample")) == len(stored)


def test_methods_that_begin_alike_share_their_first_training(planned):
    naive, merged, half = (work_of(planned(name)) for name in ("naive", "merge_init", "half_merge"))
    assert naive.shared_trainings(merged) == 1 and merged.shared_trainings(half) == 1
    assert naive.shared_trainings(naive) == 3


def test_of_a_method_that_cannot_be_asked_nothing_is_known_to_be_shared(planned, monkeypatch):
    plan = planned("half_merge")
    whole, keep = work_of(plan), type(plan.method).keep

    def fails(self, memory, trained, task):
        if memory.learned:
            raise ValueError("not with stand-ins")
        return keep(self, memory, trained, task)

    monkeypatch.setattr(type(plan.method), "keep", fails)
    work = work_of(plan)
    assert not work.exact and together([whole, work]).exact is False
    assert len(work.of("train")) == 3 and work.shared_trainings(whole) == 1
    assert sum(item.cost for item in work.items.values() if item.stage == "sample") == (3 + 6) * 4


def test_the_work_of_a_limit_is_part_of_the_whole(planned, track_file):
    (short,) = plans(str(track_file), "colours", "naive", {}, None, None, False, 2)
    part, whole = work_of(short), work_of(planned("naive"))
    assert part.items.items() <= whole.items.items()
    assert {item.task for item in whole.items.values()} == {0, 1, 2, 3}
