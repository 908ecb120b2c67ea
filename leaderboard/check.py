"""The gate: records compared with a baseline. A run that cannot be compared fails."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from cbench.errors import BadInput, CbenchError, CheckFailed, Incomplete
from cbench.leaderboard.baseline import Baseline, Expected, Tolerance, tolerances
from cbench.leaderboard.io import Stored, all_paths
from cbench.leaderboard.summaries import SUMMARIES, summarise
from cbench.record.files import read_record
from cbench.record.record import Record, Scores
from cbench.scale import Scale

Passed = Literal["exact", "within", "better"]
Failed = Literal["worse", "differs", "inconsistent", "incomparable", "duplicate", "unreadable"]
Unfinished = Literal["incomplete", "missing"]
Verdict = Passed | Failed | Unfinished
FAILED: tuple[Verdict, ...] = get_args(Failed)
UNFINISHED: tuple[Verdict, ...] = get_args(Unfinished)


def direction(summary: str, scale: Scale) -> int:
    """1: higher is better, -1: lower is better, 0: any change of the base model is a difference."""
    if summary == "base_score":
        return 0
    return 1 if SUMMARIES[summary].of_metric(scale.better).rising else -1


Key = tuple[str, str, int, int]
"""(suite, method label, order, seed)"""


class Deviation(NamedTuple):
    """A number that differs from the baseline's."""

    metric: str
    where: str
    expected: float
    actual: float | None
    tolerance: float
    better: int
    """1: higher is better, -1: lower is, 0: neither."""

    @property
    def gain(self) -> float:
        """Improvement over the expected number; negative if it is worse."""
        if self.actual is None:
            return float("-inf")
        change = self.actual - self.expected
        return change * self.better if self.better else -abs(change)


class Outcome(NamedTuple):
    """The gate's verdict on one run or file."""

    verdict: Verdict
    subject: str
    detail: str = ""
    key: Key | None = None
    beyond: tuple[Deviation, ...] = ()
    """The numbers that exceed their tolerance."""
    largest: float | None = None
    """The largest change of any cell; None if no cell was compared."""


def key_of(run: Expected | Record) -> Key:
    """The identity of a run."""
    return run.suite, run.method if isinstance(run, Expected) else run.method.label, run.order, run.seed


def name_of(key: Key) -> str:
    """The run in words: suite, method, order, seed."""
    return f"{key[0]} {key[1]} order {key[2]} seed {key[3]}"


def _cells(expected: Scores, actual: Scores, allowed: Tolerance) -> Iterable[Deviation]:
    for j, (want, have, limit) in enumerate(zip(expected.base, actual.base, allowed.base, strict=False)):
        yield Deviation(allowed.metric, f"base model on task {j + 1}", want, have, limit, 0)
    for i, rows in enumerate(zip(expected.rows, actual.rows, allowed.rows, strict=False)):
        for j, (want, have, limit) in enumerate(zip(*rows, strict=True)):
            where = f"task {j + 1} after task {i + 1}"
            yield Deviation(allowed.metric, where, want, have, limit, expected.scale.sign)


def _summaries(
    expected: Mapping[str, float | None], scores: Scores, allowed: Tolerance
) -> Iterable[Deviation]:
    actual = summarise(scores)
    for name, want in expected.items():
        if want is not None and name in allowed.summaries and name in actual:
            limit, better = allowed.summaries[name], direction(name, scores.scale)
            yield Deviation(allowed.metric, name, want, actual[name], limit, better)


def _measured(expected: Expected, record: Record, allowed: Sequence[Tolerance], exact: bool) -> Outcome:
    """The outcome of a run that can be compared."""
    cells = [d for a in allowed for d in _cells(expected.scores[a.metric], record.scores[a.metric], a)]
    sums = [d for a in allowed for d in _summaries(expected.summaries[a.metric], record.scores[a.metric], a)]
    beyond = [d for d in cells + sums if abs(d.gain) > (0 if exact else d.tolerance)]
    beyond.sort(key=lambda d: d.gain)
    largest = max((abs(d.gain) for d in cells), default=0.0)
    verdict: Verdict = "within" if largest else "exact"
    if beyond and exact:
        verdict = "differs"
    elif beyond:
        verdict = "worse" if beyond[0].gain < 0 else "better"
    key = key_of(record)
    return Outcome(verdict, name_of(key), key=key, beyond=tuple(beyond), largest=largest)


def not_comparable(
    expected: Expected | None, record: Record, baseline: Baseline
) -> tuple[Verdict, str] | None:
    """Why a record cannot be compared with the baseline."""
    if record.track != baseline.track:
        ours, theirs = (
            f"{track.name} version {track.version} {track.digest[:12]}"
            for track in (record.track, baseline.track)
        )
        return "incomparable", f"track {ours}, the baseline has {theirs}"
    if expected is None:
        return "incomparable", (
            "the baseline has no such run; `cbench check --update` makes a new baseline from the given "
            "records"
        )
    if (record.suite_digest, record.tasks) != (expected.suite_digest, expected.tasks):
        return "incomparable", "the suite's data or tasks are not the baseline's"
    if (version := record.method.version) != expected.version:
        return "incomparable", f"version {version} of the method, the baseline has {expected.version}"
    if missing := sorted(expected.scores.keys() - record.scores.keys()):
        return "incomplete", f"no scores of {', '.join(missing)}"
    if record.learned < expected.learned:
        return "incomplete", f"{record.learned} tasks learned, {expected.learned} in the baseline"
    for metric, want in expected.scores.items():
        if record.scores[metric].scale != want.scale:
            return "incomparable", f"{metric} is on another scale than in the baseline"
        if (have := len(record.scores[metric].base)) < (full := len(want.base)):
            return "incomplete", f"base scores are missing: {metric} has {have}, {full} in the baseline"
    if record.learned > expected.learned:
        return "incomparable", f"{record.learned} tasks learned, only {expected.learned} in the baseline"
    return None


def _same(stored: Mapping[str, float | None], now: Mapping[str, float | None]) -> bool:
    """Whether the stored summaries equal today's; a summary that is new since then is ignored."""
    return stored == {name: value for name, value in now.items() if name in stored}


def _follow(stored: Sequence[Tolerance], now: Sequence[Tolerance]) -> bool:
    if len(stored) != len(now):
        return False
    bare = [t.model_copy(update={"summaries": {}}) for t in (*stored, *now)]
    return bare[: len(now)] == bare[len(now) :] and all(
        _same(a.summaries, b.summaries) for a, b in zip(stored, now, strict=True)
    )


def reaggregate(baseline: Baseline) -> list[Outcome]:
    """Summarise the baseline's own matrices again: an outcome for every run whose stored numbers differ."""
    outcomes = []
    for run in baseline.runs:
        if not all(_same(run.summaries[metric], summarise(scores)) for metric, scores in run.scores.items()):
            key, detail = key_of(run), "the stored summaries do not follow from the stored matrices"
            outcomes.append(Outcome("inconsistent", name_of(key), detail, key))
    if not _follow(baseline.tolerances, tolerances(baseline.runs)):
        detail = "the stored tolerances do not follow from the stored matrices"
        outcomes.append(Outcome("inconsistent", "tolerances", detail))
    return outcomes


def gather(folders: Iterable[Path]) -> tuple[list[Stored], list[Outcome]]:
    """The records of some folders, and an outcome for every file that cannot be read."""
    stored, unreadable = [], []
    for path in all_paths(folders):
        try:
            stored.append(Stored(path, read_record(path)))
        except BadInput as error:
            unreadable.append(Outcome("unreadable", path.name, str(error)))
    return stored, unreadable


def check(baseline: Baseline, stored: Sequence[Stored], exact: bool = False) -> list[Outcome]:
    """An outcome for every run of the baseline and every record; `exact` requires bit-identical numbers."""
    expected = {key_of(run): run for run in baseline.runs}
    outcomes, seen = reaggregate(baseline), dict[Key, Path]()
    for path, record in stored:
        key = key_of(record)
        reason = not_comparable(expected.get(key), record, baseline)
        if reason:
            outcomes.append(Outcome(reason[0], name_of(key), f"{path}: {reason[1]}", key))
        elif key in seen:
            outcomes.append(
                Outcome("duplicate", name_of(key), f"{seen[key]} and {path} are both this run", key)
            )
        else:
            allowed = _tolerances_of(baseline, expected[key])
            outcomes.append(_measured(expected[key], record, allowed, exact))
        if record.track == baseline.track:
            seen.setdefault(key, path)
    missing = [key for key in expected if key not in seen]
    return outcomes + [Outcome("missing", name_of(key), "no record", key) for key in missing]


def _tolerances_of(baseline: Baseline, run: Expected) -> list[Tolerance]:
    return [
        t
        for t in baseline.tolerances
        if (t.suite, t.method) == (run.suite, run.method) and t.metric in run.scores
    ]


def failure(outcomes: Sequence[Outcome]) -> CbenchError | None:
    """The error that ends the command: CheckFailed (exit code 1), Incomplete (3) or None."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*FAILED, *UNFINISHED) if counts[verdict])
    if any(counts[verdict] for verdict in FAILED):
        return CheckFailed(f"check failed: {tally}")
    return Incomplete(f"check incomplete: {tally}; run what is missing and check again") if tally else None
