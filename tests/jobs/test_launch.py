"""Boards by every executor: the same records, shared work done once, and failures that stop nothing else."""

import json

import pytest
import yaml

from cbench.dry_run import Item, Work
from cbench.jobs.job import read_jobs
from cbench.jobs.launch import BoardOverseer
from cbench.record.files import read_record


@pytest.fixture
def words(track_file, tmp_path):
    def make(*methods, out="out"):
        asked = [word for method in methods for word in ("--method", method)]
        folder = tmp_path / out
        return [
            "run",
            *asked,
            "--suite",
            "colours",
            "--track",
            track_file,
            "--results",
            folder,
            "--device",
            "cpu",
        ]

    return make


def contents(folder):
    paths = sorted((folder / "records").iterdir())
    return {path.name: read_record(path).model_dump(exclude={"costs", "provenance"}) for path in paths}


def test_a_board_is_what_its_runs_are_alone(cli, words, tmp_path, loads):
    code, output, error = cli(*words("naive,half_merge"), "--set", "half_merge.share=0.25,0.5")
    assert code == 0, error
    assert output.splitlines() == [
        f"done tiny-colours-{name}-o0-s0" for name in ("naive", "half_merge(share=0.25)", "half_merge")
    ]
    assert "3/3 runs; train 7/7, sample 21/21; 0:00 left" in error
    assert sorted(loads) == ["backbone", "colour"]
    for method, option in (("naive", ()), ("half_merge", ("--set", "share=0.25")), ("half_merge", ())):
        assert cli(*words(method, out="alone"), *option)[0] == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_workers_make_the_same_board_and_train_nothing_twice(cli, words, tmp_path, plugin, monkeypatch):
    """Two processes of one thread; then the finished board starts none."""
    import torch

    monkeypatch.setenv("PYTHONPATH", str(plugin))
    local = ("--executor", "local", "--workers", "2")
    code, output, error = cli(*words("base", "naive"), *local)
    assert code == 0 and output.count("done tiny-colours-") == 2, error
    assert "2/2 runs; train 3/3, sample 9/9; 0:00 left" in error
    assert len(list((tmp_path / "out" / "store" / "adapters").glob("*/*"))) == 3
    records = [read_record(path) for path in (tmp_path / "out" / "records").iterdir()]
    assert {record.provenance.threads for record in records} == {1}
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert cli(*words("base", "naive", out="alone"))[0] == 0
    finally:
        torch.set_num_threads(before)
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")
    logs = sorted((tmp_path / "out" / "jobs" / "log").iterdir())
    assert cli(*words("base", "naive"), *local)[1].count("done") == 2
    assert sorted((tmp_path / "out" / "jobs" / "log").iterdir()) == logs
    assert len(read_jobs(tmp_path / "out")) == 2


def test_a_run_that_fails_stops_no_other(cli, track_values, words, tmp_path, monkeypatch):
    from cbench.methods.naive import Naive

    def fails(self, memory, trained, task):
        raise ValueError("no luck")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Naive, "keep", fails)
        code, output, error = cli(*words("naive", "merge_init"))
    assert code == 3 and output == "done tiny-colours-merge_init-o0-s0\n"
    assert (
        "failed tiny-colours-naive-o0-s0: package cbench: method 'naive' (keep) failed: ValueError" in error
    )
    assert (
        error.rstrip().endswith("no luck") and "cbench: 1 of 2 runs failed; tiny-colours-naive-o0-s0" in error
    )
    code, output, _ = cli(*words("naive", "merge_init"))
    assert code == 0 and output.count("done") == 2, "the same command resumes"


def test_the_next_run_is_the_one_that_shares_least_with_the_running_ones():
    class Named:
        def __init__(self, chain):
            self.chain = chain

    def work(*keys):
        return Work({key: Item("train", 1) for key in keys})

    works = {"a": work("1", "2"), "b": work("1", "2", "3"), "c": work("1"), "d": work("4"), "e": work("4")}
    overseer = BoardOverseer(works, None, print)
    jobs = {name: Named(name) for name in works}
    assert overseer.choose([jobs[n] for n in "bcd"], [jobs["a"]]).chain == "d"
    assert overseer.choose([jobs[n] for n in "bc"], [jobs["a"]]).chain == "c"
    assert overseer.choose([jobs[n] for n in "bc"], []).chain == "b", "of equals the first"
    assert overseer.choose([jobs[n] for n in "abc"], [jobs["d"], jobs["e"]]).chain == "a"


def test_runs_file_and_one_estimate(cli, words, track_file, tmp_path):
    board = {
        "track": "tiny.yaml",
        "orders": [0],
        "runs": ["base", "naive", {"method": "merge_init", "seeds": [5]}],
    }
    (tmp_path / "board.yaml").write_text(yaml.safe_dump(board))
    run = ("run", "--runs", tmp_path / "board.yaml", "--results", tmp_path / "out", "--device", "cpu")
    code, output, error = cli(*run, "--dry-run", "--json")
    assert code == 0, error
    plan = json.loads(output)
    # base and naive with two seeds, merge_init with one, which shares its beginning: 3 + 3 + 2 trainings;
    # three cells of the base model, 6 + 6 + 5 others
    assert (plan["runs"], plan["trainings"], plan["training_steps"]) == (5, 8, 24)
    assert plan["images"] == (3 + 6 + 6 + 5) * 4 and plan["exact"] and set(plan["suites"]) == {"colours"}
    assert cli(*run)[0] == 0
    left = json.loads(cli(*run, "--dry-run", "--json")[1])
    assert (left["runs_done"], left["trainings"], left["images"], left["expected_seconds"]) == (5, 0, 0, 0)
    assert "(work that runs share is counted once)" in cli(*run, "--dry-run")[1]


BAD = [
    (("--method", "naive"), "leave out --method (or CBENCH_METHOD)"),
    (("--suite", "colours"), "leave out --suite"),
    (("--all",), "leave out --all"),
    (("--set", "a=1"), "leave out --set"),
    (("--seed", "0"), "leave out --seed"),
    (("--track", "mini"), "names its track; leave out --track"),
]


@pytest.mark.parametrize(("more", "line"), BAD)
def test_a_file_of_runs_says_all(cli, tmp_path, track_file, more, line):
    (tmp_path / "board.yaml").write_text(yaml.safe_dump({"track": str(track_file), "runs": ["base"]}))
    code, _, error = cli("run", "--runs", tmp_path / "board.yaml", "--results", tmp_path / "out", *more)
    assert code == 2 and line in error and error.count("\n") == 1


TWICE = [
    (("--method", "naive", "--method", "naive"), "--method naive: given twice"),
    (("--method", "naive", "--suite", "colours,colours"), "--suite colours: given twice"),
    (("--method", "half_merge", "--set", "share=1", "--set", "share=2"), "write --set share=A,B"),
    (
        ("--method", "half_merge", "--set", "share=1", "--set", "half_merge.share=2"),
        "given twice for half_merge",
    ),
    (("--method", "half_merge", "--set", "share=0.5,0.50"), "asked for twice"),
    (("--method", "half_merge", "--set", "share=0.5,"), "option share='' of half_merge"),
    (("--method", "half_merge,naive", "--set", "share=1"), "unknown option of naive 'share'"),
    (
        ("--method", "naive", "--set", "half_merge.share=1"),
        "unknown method of --set half_merge.share 'half_merge'",
    ),
]


@pytest.mark.parametrize(("more", "line"), TWICE)
def test_nothing_is_dropped(cli, tmp_path, track_file, more, line):
    suite = () if "--suite" in more else ("--suite", "colours")
    code, _, error = cli("run", "--track", track_file, "--results", tmp_path / "out", *suite, *more)
    assert code == 2 and line in error and error.count("\n") == 1
