"""The gate's second claim: fresh runs are as good as the baseline's, within the spread of several runs.

Trainings amplify last bits, so a correct run on another processor differs from the baseline's as another seed
would. Single numbers then say nothing; the means over several runs do."""

from collections.abc import Iterable, Mapping, Sequence
from math import fsum, inf, sqrt
from pathlib import Path
from typing import Any, Literal, NamedTuple

from cbench.leaderboard.baseline import Baseline, Expected
from cbench.leaderboard.check import Key, Outcome, direction, key_of, name_of, not_comparable, reaggregate
from cbench.leaderboard.io import Stored
from cbench.leaderboard.power import POWER
from cbench.leaderboard.statistics import Run, t_quantile
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES, summarise
from cbench.record.record import Record

FALSE_ALARMS = 0.01
"""The default probability that a check of correct runs fails."""

BASE_BOUND = 0.01
"""Largest difference of a base model's score; it is sampled, never trained, so it varies by rounding
alone."""


class Judgement(NamedTuple):
    """One number of one method, fresh runs against the baseline's."""

    suite: str
    method: str
    metric: str
    summary: str
    runs: int
    """Fresh runs."""
    baseline_runs: int
    """Runs of the baseline with the fresh runs' orders."""
    gain: float
    """Mean of the fresh runs less the baseline's, positive if better; orders weigh alike."""
    p: float
    """One-sided: how probable so large a loss is if nothing changed."""
    caught: float
    """The loss that is caught with 80 % power; inf if there are too few runs for any."""
    verdict: Literal["within", "worse", "incomplete"]

    @property
    def subject(self) -> str:
        """The number in words."""
        return f"{self.suite} {self.method} {SUMMARIES[self.summary].title} {self.metric}"

    def data(self) -> dict[str, Any]:
        """The judgement for programs; `caught` is None if nothing can be."""
        return self._asdict() | {"caught": None if self.caught == inf else self.caught}


class Test(NamedTuple):
    """A one-sided t test of two sets of runs."""

    gain: float
    p: float
    error: float
    """Standard error of the gain."""
    freedom: int

    def caught(self, level: float) -> float:
        """The loss that the test at this level detects with 80 % power."""
        from scipy.special import nctdtrinc

        critical = t_quantile(1 - level, self.freedom)
        return float(nctdtrinc(self.freedom, 1 - POWER, critical)) * self.error


def compare(baseline: Mapping[Run, float], fresh: Mapping[Run, float]) -> Test | None:
    """Fresh runs less the baseline's, over the orders of the fresh ones; higher is better.

    Runs of one order differ by their seed: Student's test for two samples, stratified by order, with the
    variance between seeds pooled over orders and both sets (for one order scipy's `ttest_ind`). Without a
    repeated order: the paired t test over orders. None if neither has a degree of freedom."""
    orders = sorted({order for order, _ in fresh})
    groups = [
        [[v for (o, _), v in runs.items() if o == order] for order in orders] for runs in (baseline, fresh)
    ]
    old, new = groups
    gains = [fsum(b) / len(b) - fsum(a) / len(a) for a, b in zip(old, new, strict=True)]
    gain = fsum(gains) / len(gains)
    freedom = sum(len(group) - 1 for group in (*old, *new))
    if freedom:
        squares = fsum((v - fsum(group) / len(group)) ** 2 for group in (*old, *new) for v in group)
        weight = fsum(1 / len(a) + 1 / len(b) for a, b in zip(old, new, strict=True)) / len(orders) ** 2
        error = sqrt(squares / freedom * weight)
    elif freedom := len(orders) - 1:
        error = sqrt(fsum((g - gain) ** 2 for g in gains) / freedom / len(orders))
    else:
        return None
    return Test(gain, _lower_tail(gain, error, freedom), error, freedom)


def _lower_tail(gain: float, error: float, freedom: int) -> float:
    from scipy.special import stdtr

    if error == 0:
        return 1.0 if gain >= 0 else 0.0
    return float(stdtr(freedom, gain / error))


def _numbers(runs: Iterable[Expected | Record], metric: str, summary: str) -> dict[Run, float]:
    """(order, seed) -> summary, with the sign that makes higher better."""
    having = [run for run in runs if metric in run.scores]
    values = {(r.order, r.seed): summarise(r.scores[metric])[summary] for r in having}
    signs = {(r.order, r.seed): direction(summary, r.scores[metric].scale) for r in having}
    return {run: signs[run] * value for run, value in values.items() if value is not None}


def judge(
    baseline: Baseline, stored: Sequence[Stored], false_alarms: float = FALSE_ALARMS
) -> tuple[list[Judgement], list[Outcome]]:
    """The judgement of every score and forgetting, and an outcome for every record or method that cannot be
    judged.

    Fresh runs need the baseline's orders, not its seeds. Each test has the level false_alarms / their number
    (Bonferroni), so all of them together fail correct runs at most that often."""
    outcomes, groups = reaggregate(baseline), dict[tuple[str, str], list[Record]]()
    seen: dict[Key, Path] = {}
    for path, record in stored:
        alike = [run for run in baseline.runs if _same_order(run, record)]
        key = key_of(record)
        if reason := not_comparable(alike[0] if alike else None, record, baseline):
            outcomes.append(Outcome(reason[0], name_of(key), f"{path}: {reason[1]}"))
            continue
        if key in seen:
            outcomes.append(Outcome("duplicate", name_of(key), f"{seen[key]} and {path} are both this run"))
            continue
        seen[key] = path
        outcomes += _base_differs(alike[0], record)
        groups.setdefault((record.suite, record.method.label), []).append(record)
    outcomes += [
        Outcome("missing", f"{suite} {method}", "no record")
        for suite, method in dict.fromkeys((run.suite, run.method) for run in baseline.runs)
        if (suite, method) not in groups and not _mentioned(outcomes, suite, method)
    ]
    tests = [
        (key, metric, summary, *_both(baseline, key, records, metric, summary))
        for key, records in groups.items()
        for metric in sorted(
            {m for run in baseline.runs if (run.suite, run.method) == key for m in run.scores}
        )
        for summary in PUBLISHED
    ]
    level = false_alarms / max(1, len(tests))
    return [_judgement(*test, level) for test in tests], outcomes


def _mentioned(outcomes: Sequence[Outcome], suite: str, method: str) -> bool:
    return any(outcome.subject.startswith(f"{suite} {method} order ") for outcome in outcomes)


def _same_order(run: Expected, record: Record) -> bool:
    return (run.suite, run.method, run.order) == (record.suite, record.method.label, record.order)


def _base_differs(run: Expected, record: Record) -> list[Outcome]:
    """An outcome if a score of the base model is another one: other weights, data or noise."""
    for metric, scores in run.scores.items():
        for j, (want, have) in enumerate(zip(scores.base, record.scores[metric].base, strict=False)):
            if abs(want - have) > BASE_BOUND:
                detail = f"{metric} of the base model on task {j + 1}: {want:.4f} -> {have:.4f}"
                return [Outcome("differs", name_of(key_of(record)), f"{detail} (at most {BASE_BOUND})")]
    return []


def _both(
    baseline: Baseline, key: tuple[str, str], records: Sequence[Record], metric: str, summary: str
) -> tuple[dict[Run, float], dict[Run, float]]:
    """The numbers of the baseline's runs with the orders of the records, and those of the records."""
    fresh = _numbers(records, metric, summary)
    orders = {order for order, _ in fresh}
    old = _numbers((r for r in baseline.runs if (r.suite, r.method) == key), metric, summary)
    return {run: value for run, value in old.items() if run[0] in orders}, fresh


def _judgement(
    key: tuple[str, str],
    metric: str,
    summary: str,
    old: dict[Run, float],
    fresh: dict[Run, float],
    level: float,
) -> Judgement:
    about, test = (*key, metric, summary, len(fresh), len(old)), compare(old, fresh) if fresh else None
    if old == fresh:
        return Judgement(*about, 0.0, 1.0, test.caught(level) if test else inf, "within")
    if test is None:
        return Judgement(*about, 0.0, 1.0, inf, "incomplete")
    verdict: Literal["within", "worse"] = "worse" if test.p < level else "within"
    return Judgement(*about, test.gain, test.p, test.caught(level), verdict)


def outcomes_of(judgements: Sequence[Judgement]) -> list[Outcome]:
    """The judgements as outcomes of the gate, for its tally and exit code."""
    few = "too few runs to compare; several seeds or orders are needed"
    return [Outcome(j.verdict, j.subject, few if j.verdict == "incomplete" else "") for j in judgements]
