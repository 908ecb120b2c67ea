"""Boards: what is asked for, by a file or by options, and in which order it is run."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.board import RunSet, board, group, read_runs, sets_of, spread
from cbench.errors import BadInput
from cbench.plan import open_track
from cbench.results import run_name


@pytest.fixture
def track(track_values, tmp_path):
    """The small track with a second suite of the same stream."""
    track_values["suites"]["shades"] = track_values["suites"]["colours"]
    path = tmp_path / "two.yaml"
    path.write_text(yaml.safe_dump(track_values))
    return open_track(str(path))


def written(tmp_path, values):
    path = tmp_path / "runs.yaml"
    path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
    return path


def planned(tmp_path, track, values):
    return board(track, sets_of(read_runs(written(tmp_path, values)), tmp_path, track))


def test_a_file_takes_what_it_leaves_out_from_the_track(tmp_path, track):
    plans = planned(
        tmp_path, track, {"runs": ["base", {"method": "naive", "suites": ["shades"], "seeds": [5]}]}
    )
    assert len({run_name(plan) for plan in plans}) == len(plans) == 2 * 2 * 2 + 2
    assert {(p.suite, p.seed) for p in plans if p.method.name == "naive"} == {("shades", 5)}


def test_a_list_of_values_is_a_run_of_each(tmp_path, track):
    entry = {"method": "half_merge", "options": {"share": [0.25, 0.5, 1]}}
    plans = planned(tmp_path, track, {"suites": ["colours"], "orders": [0], "seeds": [0], "runs": [entry]})
    assert [plan.method.share for plan in plans] == [0.25, 0.5, 1.0]


def test_runs_that_share_most_are_beside_one_another_and_the_base_model_is_first(tmp_path, track):
    plans = planned(tmp_path, track, {"runs": ["naive", "merge_init", "base"]})
    assert [group(plan) for plan in plans[::3]] == [
        (seed, order, suite) for seed in (0, 5) for order in (0, 5) for suite in ("colours", "shades")
    ]
    assert [plan.method.name for plan in plans[:3]] == ["base", "naive", "merge_init"]


BAD = [
    ({}, "runs: Field required"),
    ({"runs": []}, "runs: Tuple should have at least 1 item"),
    ([], "write `runs:` and below it a list"),
    ("runs: [naive]\nruns: [base]", "duplicate key 'runs'"),
    ({"runs": [{"methods": "naive"}]}, "runs.0.method: Field required"),
    ({"runs": [{"method": "naive", "option": {}}]}, "runs.0.option: Extra inputs"),
    ({"runs": ["naive"], "orders": [True]}, "orders.0: Input should be a valid integer"),
    ({"runs": ["naiv"]}, "unknown method 'naiv'; did you mean 'naive'"),
    ({"runs": ["naive"], "suites": ["colors"]}, "unknown suite of track tiny 'colors'"),
    ({"runs": ["naive"], "orders": [3]}, "unknown order of track tiny '3'"),
    ({"runs": [{"method": "naive", "seeds": [1]}]}, "unknown seed of track tiny '1'"),
    ({"runs": [{"method": "half_merge", "options": {"share": "much"}}]}, "option share='much' of half_merge"),
    (
        {"runs": ["naive", {"method": "naive", "seeds": [0]}]},
        "naive on colours, order 0, seed 0: asked for twice",
    ),
    ({"runs": [{"method": "half_merge", "options": {"share": [0.5, 0.50]}}]}, "asked for twice"),
    ({"runs": [{"method": "naive", "tuned": ["no.json"]}]}, "tuning file .*no.json: No such file"),
]


@pytest.mark.parametrize(("values", "line"), BAD)
def test_bad_files_are_one_line(tmp_path, track, values, line):
    with pytest.raises(BadInput, match=line) as error:
        planned(tmp_path, track, values)
    assert "\n" not in str(error.value)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_a_queue_keeps_runs_of_a_group_as_far_apart_as_it_can(runs):
    """Every group's k-th run comes before any group's next one."""

    class Plan:
        def __init__(self, number):
            self.seed, self.order = number
            self.suite = ""

    plans = [Plan(number) for number in runs]
    queued, turns = spread(plans), []
    assert sorted(map(id, queued)) == sorted(map(id, plans))
    for place, plan in enumerate(queued):
        turns.append(sum(group(other) == group(plan) for other in queued[:place]))
    assert turns == sorted(turns)


def test_one_set_of_each_method(track):
    sets = [RunSet(name, {}, ["colours"], [0], [0]) for name in ("naive", "magmax")]
    assert [plan.limit for plan in board(track, sets, limit=2)] == [2, 2]
    with pytest.raises(BadInput, match="--limit-tasks 4: colours has tasks 1 to 3"):
        board(track, sets, limit=4)
