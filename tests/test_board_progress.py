"""The line of a board: it counts what records cite, and fits a terminal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.board_progress import WIDTH, BoardProgress
from cbench.dry_run import Item, Work
from cbench.progress import Clock


def test_counts_what_the_records_cite_once(cli, track_file, tmp_path):
    from cbench.dry_run import work_of
    from cbench.plan import plans
    from cbench.results import Results

    results = Results(tmp_path / "out")
    every = [
        plans(str(track_file), "colours", m, {}, None, None, False, None)[0] for m in ("naive", "magmax")
    ]
    progress = BoardProgress(every, [work_of(plan) for plan in every], results, workers=2)
    progress.look()
    assert progress.line() == "0/2 runs; train 0/5, sample 0/14; estimating"
    words = ("--suite", "colours", "--track", track_file, "--results", tmp_path / "out")
    assert cli("run", "--method", "naive", *words)[0] == 0
    progress.look()
    assert progress.line().startswith("1/2 runs; train 3/5, sample 9/14; ")
    assert cli("run", "--method", "magmax", *words)[0] == 0
    progress.look()
    assert progress.line() == "2/2 runs; train 5/5, sample 14/14; 0:00 left"


@settings(deadline=None)
@given(
    runs=st.integers(1, 10**7),
    failed=st.integers(0, 10**7),
    stages=st.dictionaries(st.sampled_from(["train", "sample", "measure"]), st.integers(1, 10**3)),
    seconds=st.floats(0, 1e9),
)
def test_the_line_fits(runs, failed, stages, seconds):
    progress = BoardProgress.__new__(BoardProgress)
    progress.paths, progress.done, progress.failed, progress.workers = (
        range(runs),
        range(runs // 2),
        failed,
        1,
    )
    progress.clock = Clock({stage: (1.0,) * count for stage, count in stages.items()})
    for stage in stages:
        progress.clock.add(stage, 1, seconds)
    line = progress.line()
    assert len(line) <= WIDTH and line.startswith(f"{runs // 2}/{runs} runs")


def test_a_record_that_cannot_be_read_is_no_end(tmp_path):
    progress = BoardProgress([], [Work({"a": Item("train", 1, 3, 3)})], None, 1)  # type: ignore[arg-type]
    (tmp_path / "bad.json").write_text("{")
    progress.paths = {tmp_path / "bad.json": None, tmp_path / "none.json": None}  # type: ignore[dict-item]
    progress.look()
    assert progress.line() == "0/2 runs; train 0/1; estimating"


@pytest.mark.parametrize("terminal", ["1", ""])
def test_a_terminal_and_a_file_see_the_line(monkeypatch, capfd, terminal):
    from cbench.board_progress import shown

    monkeypatch.setenv("FORCE_COLOR", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    progress = BoardProgress([], [Work({"a": Item("train", 1, 3, 3)})], None, 1)  # type: ignore[arg-type]
    with shown(progress) as ticker:
        ticker(failed=1, now=True)
    assert "0/0 runs, 1 failed; train 0/1; estimating" in capfd.readouterr().err
