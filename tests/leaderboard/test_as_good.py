"""The gate over several runs: against scipy, and its false alarms and power by simulation."""

from math import inf, sqrt
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cbench.errors import CheckFailed, Incomplete
from cbench.leaderboard import baseline, check_report
from cbench.leaderboard.as_good import compare, judge, outcomes_of
from cbench.leaderboard.check import failure
from cbench.leaderboard.io import Stored
from cbench.record.record import Record, Scores

samples = st.lists(st.floats(-1, 1), min_size=2, max_size=6)
ORDERS, SEEDS = (0, 5), (0, 5, 7)


def stored(records: list) -> list[Stored]:
    return [Stored(Path(r.file_name), r) for r in records]


@settings(max_examples=40, deadline=None)
@given(samples, samples)
def test_one_order_is_scipys_test_of_two_samples(old: list[float], new: list[float]) -> None:
    from scipy.stats import ttest_ind

    assume(np.std(old) + np.std(new) > 1e-4)
    found = compare({(0, s): v for s, v in enumerate(old)}, {(0, 50 + s): v for s, v in enumerate(new)})
    assert found is not None
    assert found.p == pytest.approx(ttest_ind(new, old, alternative="less").pvalue)


@settings(max_examples=40, deadline=None)
@given(samples, samples)
def test_single_seeds_are_scipys_test_of_pairs(old: list[float], new: list[float]) -> None:
    from scipy.stats import ttest_rel

    n = min(len(old), len(new))
    assume(np.std(np.subtract(new[:n], old[:n])) > 1e-4)
    found = compare({(o, 0): v for o, v in enumerate(old[:n])}, {(o, 3): v for o, v in enumerate(new[:n])})
    assert found is not None
    assert found.p == pytest.approx(ttest_rel(new[:n], old[:n], alternative="less").pvalue)


def test_one_run_each_decides_nothing() -> None:
    assert compare({(0, 0): 0.5}, {(0, 0): 0.1}) is None


DESIGNS = {
    "1 order, 4 seeds": (1, 4, 4),
    "4 orders, 2 seeds": (4, 2, 2),
    "4 orders, 2 seeds, 1 fresh": (4, 2, 1),
}


def alarms(design: str, shift: float, level: float, draws: int = 3000) -> float:
    """The share of alarms: strong effects of the order, a noise of 0.02 between seeds."""
    orders, old, new = DESIGNS[design]
    random = np.random.RandomState(len(design))
    effects = 0.2 * random.normal(size=(draws, orders, 1))
    before = effects + 0.02 * random.normal(size=(draws, orders, old))
    after = effects + 0.02 * random.normal(size=(draws, orders, new)) + shift
    count = 0
    for sets in zip(before.tolist(), after.tolist(), strict=True):
        found = compare(*({(o, s): v for o, g in enumerate(x) for s, v in enumerate(g)} for x in sets))
        count += found is not None and found.p < level
    return count / draws


@pytest.mark.parametrize("design", DESIGNS)
def test_simulated_false_alarms_and_power(design: str) -> None:
    level = 0.05
    false = alarms(design, 0.0, level)
    orders, old, new = DESIGNS[design]
    runs = {(o, s): 0.02 * (-1) ** s for o in range(orders) for s in range(old)}
    error = 0.02 * sqrt((1 / old + 1 / new) / orders)
    found = compare(runs, {(o, s): 0.0 for o in range(orders) for s in range(new)})
    assert found is not None
    loss = found._replace(error=error).caught(level)  # at the true noise
    power = alarms(design, -loss, level)
    print(f"{design}: false alarms {false:.4f} at {level}, power {power:.3f} for a loss of {loss:.3f}")
    assert 0.04 < false < 0.06
    assert power == pytest.approx(0.8, abs=0.04)


@pytest.fixture
def every(records: SimpleNamespace) -> list[Record]:
    return records.grid(("naive", "merge_init"), orders=ORDERS, seeds=SEEDS)


def moved(record: Record, by: float, seed: int | None = None) -> Record:
    """The record with `by` added to its last row, under another seed."""

    def move(scores: Scores) -> Scores:
        return Scores(base=scores.base, rows=(*scores.rows[:-1], tuple(v + by for v in scores.rows[-1])))

    scores = {metric: move(s) for metric, s in record.scores.items()}
    return record.model_copy(update={"scores": scores, "seed": record.seed if seed is None else seed})


def test_runs_of_another_machine_pass(records: SimpleNamespace, every: list[Record]) -> None:
    """Other seeds stand for another machine: cells differ beyond any tolerance, means do not."""
    base = baseline.make(stored(every))
    fresh = records.grid(("naive", "merge_init"), orders=ORDERS, seeds=(11, 12, 13))
    judgements, unjudged = judge(base, stored(fresh))
    assert {j.verdict for j in judgements} == {"within"} and unjudged == []
    assert len(judgements) == 2 * 2 * 2
    assert all(0 < j.caught < 0.1 and (j.runs, j.baseline_runs) == (6, 6) for j in judgements)
    assert failure(outcomes_of(judgements)) is None


def test_the_same_records_pass_and_a_loss_fails(every: list[Record]) -> None:
    base = baseline.make(stored(every))
    assert {j.verdict for j in judge(base, stored(every))[0]} == {"within"}
    worse = [moved(r, -0.1) if r.method.name == "naive" else r for r in every]
    judgements, unjudged = judge(base, stored(worse))
    failed = {(j.method, j.summary) for j in judgements if j.verdict == "worse"}
    assert failed == {("naive", "average_score"), ("naive", "average_forgetting")}
    assert isinstance(failure(outcomes_of(judgements)), CheckFailed)
    better, _ = judge(base, stored([moved(r, 0.05) for r in every]))
    assert {j.verdict for j in better} == {"within"} and all(j.gain > 0 for j in better)
    text = check_report.as_good_text(judgements, unjudged, 0.01)
    assert "worse" in text and "at most 0.01 in all" in text
    assert "| objects" in check_report.as_good_markdown(judgements, unjudged, 0.01)
    assert check_report.as_good_data(judgements, unjudged, base, 0.01)["passed"] is False


def test_the_whole_check_fails_correct_runs_rarely(records: SimpleNamespace) -> None:
    """Fresh seeds of the same method; Bonferroni's bound holds for all numbers together."""
    failed = 0
    for k in range(60):
        seeds = tuple(range(10 * k, 10 * k + 6))
        made = records.grid(("naive",), orders=ORDERS, seeds=seeds, tasks=3)
        old, new = ([r for r in made if (r.seed % 10 < 3) == first] for first in (True, False))
        judgements, _ = judge(baseline.make(stored(old)), stored(new), 0.2)
        failed += any(j.verdict == "worse" for j in judgements)
    assert failed / 60 <= 0.3  # 0.2 and two standard errors


def test_what_cannot_be_judged(records: SimpleNamespace, every: list[Record]) -> None:
    base = baseline.make(stored(every))
    naive = [r for r in every if r.method.name == "naive"]
    _, unjudged = judge(base, stored(naive))
    assert [(o.verdict, o.subject) for o in unjudged] == [("missing", "objects merge_init")]
    _, unjudged = judge(base, stored([*every, records.make_record("naive", order=9)]))
    assert [o.verdict for o in unjudged] == ["incomparable"]
    _, unjudged = judge(base, stored([*every, every[0]]))
    assert [o.verdict for o in unjudged] == ["duplicate"]
    other = {
        m: s.model_copy(update={"base": tuple(v + 0.05 for v in s.base)}) for m, s in every[0].scores.items()
    }
    _, unjudged = judge(base, stored([every[0].model_copy(update={"scores": other}), *every[1:]]))
    assert [o.verdict for o in unjudged] == ["differs"]


def test_too_few_runs_are_incomplete(records: SimpleNamespace) -> None:
    base = baseline.make(stored([records.make_record()]))
    judgements, _ = judge(base, stored([records.make_record(seed=5)]))
    assert {(j.verdict, j.caught) for j in judgements} == {("incomplete", inf)}
    assert isinstance(failure(outcomes_of(judgements)), Incomplete)
    assert judgements[0].data()["caught"] is None
