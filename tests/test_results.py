"""A results folder: whose record lies under a name, and whether it is finished."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from cbench.errors import BadInput
from cbench.plan import Plan, plans
from cbench.record.record import Kept
from cbench.results import Results, run_name

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parent / "leaderboard" / "records.py")))


@pytest.fixture
def plan_of(track_values: dict, tmp_path: Path):
    def make(track: str, suite: str) -> Plan:
        values = track_values | {"name": track, "suites": {suite: track_values["suites"]["colours"]}}
        (tmp_path / f"{track}.yaml").write_text(yaml.safe_dump(values))
        (plan,) = plans(str(tmp_path / f"{track}.yaml"), suite, "base", {}, 0, 0, False, None)
        return plan

    return make


def record_of(plan: Plan, **changes):
    about = {"track": plan.track_ref, "suite": plan.suite, "suite_digest": plan.stream_digest}
    about |= {"method": plan.method_ref, "source": plan.source}
    tasks = len(plan.tasks)
    return build.make_record("base", tasks=tasks).model_copy(update=about | changes)


def test_two_tracks_that_share_a_records_name_are_told_apart(plan_of, tmp_path):
    one, two = plan_of("a-b", "c"), plan_of("a", "b-c")
    assert run_name(one) == run_name(two)
    results = Results(tmp_path / "out")
    results.check()
    results.write(record_of(one))
    assert results.finished(one)
    with pytest.raises(
        BadInput, match=r"is the record of track a-b, suite c, method base: .*; give another --results"
    ):
        results.stored(two)


def test_a_record_is_finished_while_the_store_holds_what_it_cites(plan_of, tmp_path):
    plan, results = plan_of("a", "c"), Results(tmp_path / "out")
    results.check()
    for key in ("a" * 32, "b" * 32):
        results.store.remember("images", key, lambda folder: (folder / "images.png").write_bytes(b"x"))
    images = (("a" * 32,),) * len(plan.tasks)
    results.write(record_of(plan, kept=Kept(base_images=("b" * 32,), images=images)))
    assert results.finished(plan)
    (results.store.folder("images", "b" * 32) / "images.png").write_bytes(b"y")
    assert results.finished(plan) is None and results.stored(plan)
    assert not (results.store.root / "damaged").exists(), "only asked"
