"""The gate catches every damage and nothing else."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import CheckFailed, Incomplete
from cbench.leaderboard import baseline, check_report
from cbench.leaderboard.check import check, failure, gather
from cbench.leaderboard.io import Stored
from cbench.record.record import Record, Scores


def stored(records: list) -> list[Stored]:
    return [Stored(Path(r.file_name), r) for r in records]


@pytest.fixture
def every(records: SimpleNamespace) -> list[Record]:
    return records.grid(("naive", "merge_init"))


@pytest.fixture
def base(every: list[Record]) -> baseline.Baseline:
    return baseline.make(stored(every))


def shifted(record: Record, by: float, only: tuple[int, int] | None = None) -> Record:
    """The record with `by` added to all cells, or to cell (i, j) of the first metric only."""

    def move(scores: Scores, first: bool) -> Scores:
        rows = [
            [v + (by if only is None or (first and (i, j) == only) else 0) for j, v in enumerate(r)]
            for i, r in enumerate(scores.rows)
        ]
        return Scores(base=scores.base, rows=tuple(map(tuple, rows)))

    return record.model_copy(
        update={"scores": {m: move(s, k == 0) for k, (m, s) in enumerate(record.scores.items())}}
    )


def verdicts(outcomes: list) -> list[str]:
    return sorted({o.verdict for o in outcomes})


def test_the_same_records_are_exact(base: baseline.Baseline, every: list[Record]) -> None:
    outcomes = check(base, stored(every), exact=True)
    assert verdicts(outcomes) == ["exact"]
    assert failure(outcomes) is None


def test_float_noise_is_within(base: baseline.Baseline, every: list[Record]) -> None:
    noisy = stored([shifted(every[0], 1e-5), *every[1:]])
    assert verdicts(check(base, noisy)) == ["exact", "within"]
    strict = check(base, noisy, exact=True)
    assert verdicts(strict) == ["differs", "exact"]
    assert isinstance(failure(strict), CheckFailed)


def test_one_worse_cell_fails(base: baseline.Baseline, every: list[Record]) -> None:
    outcomes = check(base, stored([shifted(every[0], -0.2, only=(2, 1)), *every[1:]]))
    assert [o.verdict for o in outcomes].count("worse") == 1
    assert outcomes[0].beyond[0].where == "task 2 after task 3"
    assert "naive" in outcomes[0].subject or "merge_init" in outcomes[0].subject
    assert isinstance(failure(outcomes), CheckFailed)


def test_an_improvement_is_reported_and_passes(base: baseline.Baseline, every: list[Record]) -> None:
    outcomes = check(base, stored([shifted(every[0], 0.2), *every[1:]]))
    assert verdicts(outcomes) == ["better", "exact"]
    assert failure(outcomes) is None
    assert "better: objects naive order 0 seed 0" in check_report.text(outcomes)


def test_another_base_model_is_no_improvement(base: baseline.Baseline, every: list[Record]) -> None:
    brighter = {
        m: s.model_copy(update={"base": tuple(v + 0.2 for v in s.base)}) for m, s in every[0].scores.items()
    }
    outcomes = check(base, stored([every[0].model_copy(update={"scores": brighter}), *every[1:]]))
    assert "worse" in verdicts(outcomes)


@pytest.mark.parametrize(
    ("change", "verdict", "error"),
    [
        ({"suite_digest": "x" * 64}, "incomparable", CheckFailed),
        ({"digest": "x" * 64}, "incomparable", CheckFailed),
        ({"version": 2}, "incomparable", CheckFailed),
        ({"track": "sdxl"}, "incomparable", CheckFailed),
        ({"order": 99}, "incomparable", CheckFailed),
        ({"tasks": 5}, "incomparable", CheckFailed),
        ({"learned": 2}, "incomplete", Incomplete),
        ({"metrics": ("mini_dino",)}, "incomplete", Incomplete),
    ],
)
def test_what_cannot_be_compared_fails(
    records: SimpleNamespace,
    base: baseline.Baseline,
    every: list[Record],
    change: dict,
    verdict: str,
    error: type,
) -> None:
    outcomes = check(base, stored([records.make_record("naive", **change), *every[1:]]))
    assert verdict in verdicts(outcomes)
    assert isinstance(failure(outcomes), error)


def test_missing_base_scores_are_named(base: baseline.Baseline, every: list[Record]) -> None:
    bare = {m: Scores(base=(), rows=s.rows) for m, s in every[0].scores.items()}
    found = check(base, stored([every[0].model_copy(update={"scores": bare}), *every[1:]]))[0]
    assert found.verdict == "incomplete"
    assert "base scores are missing: mini_clip_i has 0, 4 in the baseline" in found.detail


def test_a_run_that_the_baseline_lacks_is_told_what_update_does(
    records: SimpleNamespace, base: baseline.Baseline
) -> None:
    assert (
        "`cbench check --update` makes a new baseline"
        in check(base, stored([records.make_record(order=99)]))[0].detail
    )


def test_no_move_is_shown_where_nothing_was_compared(
    records: SimpleNamespace, base: baseline.Baseline, every: list[Record]
) -> None:
    outcomes = check(
        base, stored([records.make_record("magmax"), *(r for r in every if r.method.name == "naive")])
    )
    moves = {
        line.split()[1]: line.split()[-1]
        for line in check_report.text(outcomes).splitlines()
        if line.startswith("objects")
    }
    assert moves == {"magmax": "-", "naive": "0.0000", "merge_init": "-"}
    assert {o["largest"] for o in check_report.data(outcomes, base)["outcomes"]} == {None, 0.0}


def test_a_missing_run_is_incomplete(base: baseline.Baseline, every: list[Record]) -> None:
    outcomes = check(base, stored(every[1:]))
    assert verdicts(outcomes) == ["exact", "missing"]
    assert isinstance(failure(outcomes), Incomplete)


def test_a_run_of_another_track_does_not_stand_for_a_missing_one(
    records: SimpleNamespace, base: baseline.Baseline, every: list
) -> None:
    outcomes = check(base, stored([records.make_record("naive", digest="x" * 64), *every[1:]]))
    assert verdicts(outcomes) == ["exact", "incomparable", "missing"]


def test_a_run_twice_fails(base: baseline.Baseline, every: list[Record]) -> None:
    assert "duplicate" in verdicts(check(base, stored([*every, every[0]])))


def test_a_short_baseline_takes_short_runs_only(records: SimpleNamespace) -> None:
    short = baseline.make(stored([records.make_record(learned=2)]))
    assert verdicts(check(short, stored([records.make_record(learned=2)]))) == ["exact"]
    assert verdicts(check(short, stored([records.make_record(learned=1)]))) == ["incomplete"]
    assert verdicts(check(short, stored([records.make_record()]))) == ["incomparable"]


def test_an_edited_baseline_no_longer_follows_from_its_matrices(
    base: baseline.Baseline, every: list[Record]
) -> None:
    first = base.runs[0]
    wrong = first.model_copy(
        update={"summaries": {m: s | {"average_score": 0.9} for m, s in first.summaries.items()}}
    )
    looser = base.tolerances[0].model_copy(update={"base": (0.5,) * 4})
    for edited in ({"runs": (wrong, *base.runs[1:])}, {"tolerances": (looser, *base.tolerances[1:])}):
        assert "inconsistent" in verdicts(check(base.model_copy(update=edited), stored(every)))


def without(told: dict, *names: str) -> dict:
    return {name: value for name, value in told.items() if name not in names}


def test_a_summary_that_came_later_is_not_held_against_an_older_baseline(
    base: baseline.Baseline, every: list[Record]
) -> None:
    runs = [
        run.model_copy(
            update={"summaries": {m: without(s, "gain_earlier") for m, s in run.summaries.items()}}
        )
        for run in base.runs
    ]
    slack = [
        t.model_copy(update={"summaries": without(t.summaries, "gain_earlier")}) for t in base.tolerances
    ]
    older = base.model_copy(update={"runs": tuple(runs), "tolerances": tuple(slack)})
    assert verdicts(check(older, stored(every), exact=True)) == ["exact"]
    assert "worse" in verdicts(check(older, stored([shifted(every[0], -0.2), *every[1:]])))


def test_a_summary_that_nobody_knows_does_not_follow(base: baseline.Baseline, every: list[Record]) -> None:
    first = base.runs[0]
    more = first.model_copy(update={"summaries": {m: s | {"luck": 0.5} for m, s in first.summaries.items()}})
    slack = [t.model_copy(update={"summaries": t.summaries | {"luck": 0.1}}) for t in base.tolerances]
    edited = base.model_copy(update={"runs": (more, *base.runs[1:]), "tolerances": tuple(slack)})
    assert verdicts(check(edited, stored(every))) == ["exact", "inconsistent"]


def test_unreadable_files_are_outcomes(
    records: SimpleNamespace, base: baseline.Baseline, every: list[Record], tmp_path: Path
) -> None:
    home = records.write(tmp_path, every) / "records"
    next(home.glob("*naive*o0-s0*")).write_text("{")
    found, broken = gather([tmp_path, home])
    outcomes = broken + check(base, found)
    assert verdicts(outcomes) == ["exact", "missing", "unreadable"]
    assert isinstance(failure(outcomes), CheckFailed)


def test_reports(base: baseline.Baseline, every: list[Record]) -> None:
    outcomes = check(base, stored([shifted(every[0], -0.2), *every[1:-1]]))
    text, markdown, data = (
        check_report.text(outcomes),
        check_report.markdown(outcomes),
        check_report.data(outcomes, base),
    )
    assert "worse: objects naive order 0 seed 0: mini_" in text
    assert "more\n" in text
    assert "missing: objects merge_init order 5 seed 5: no record" in text
    assert "at most 0.05 for a cell" in text
    assert "| objects" in markdown
    assert "- worse: " in markdown
    assert data["passed"] is False
    assert len(data["outcomes"]) == 8
    assert check_report.data(check(base, stored(every)), base)["passed"]
