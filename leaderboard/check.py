"""The gate: records held against a baseline. What cannot be compared fails; nothing passes silently."""

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

Passed = Literal["exact", "within", "better"]
Failed = Literal["worse", "differs", "reaggregated", "foreign", "twice", "unreadable"]
Unfinished = Literal["incomplete", "missing"]
Verdict = Passed | Failed | Unfinished
FAILED: tuple[Verdict, ...] = get_args(Failed)
UNFINISHED: tuple[Verdict, ...] = get_args(Unfinished)
RISING = {name: 1 if summary.rising else -1 for name, summary in SUMMARIES.items()} | {"base_score": 0}
"""Which way is better; the base model has no better: any change of it is a change of the world."""

Key = tuple[str, str, int, int]
"""(suite, method label, order, seed)"""


class Deviation(NamedTuple):
    """A number that moved."""

    metric: str
    where: str
    expected: float
    found: float | None
    tolerance: float
    better: int
    """1: higher is better, -1: lower is, 0: neither."""

    @property
    def gain(self) -> float:
        """How much better it is than expected (negative: worse)."""
        if self.found is None:
            return float("-inf")
        moved = self.found - self.expected
        return moved * self.better if self.better else -abs(moved)


class Outcome(NamedTuple):
    """What the gate says of one run or file."""

    verdict: Verdict
    subject: str
    detail: str = ""
    key: Key | None = None
    beyond: tuple[Deviation, ...] = ()
    """The numbers beyond their tolerance."""
    largest: float | None = None
    """The largest move of any cell; None where none was compared."""


def key_of(run: Expected | Record) -> Key:
    """Which run it is."""
    return run.suite, run.method if isinstance(run, Expected) else run.method.label, run.order, run.seed


def name_of(key: Key) -> str:
    """The run in words."""
    return f"{key[0]} {key[1]} order {key[2]} seed {key[3]}"


def _cells(expected: Scores, found: Scores, allowed: Tolerance) -> Iterable[Deviation]:
    for j, (want, have, slack) in enumerate(zip(expected.base, found.base, allowed.base, strict=False)):
        yield Deviation(allowed.metric, f"base model on task {j + 1}", want, have, slack, 0)
    for i, rows in enumerate(zip(expected.rows, found.rows, allowed.rows, strict=False)):
        for j, (want, have, slack) in enumerate(zip(*rows, strict=True)):
            yield Deviation(allowed.metric, f"task {j + 1} after task {i + 1}", want, have, slack, 1)


def _summaries(
    expected: Mapping[str, float | None], found: Scores, allowed: Tolerance
) -> Iterable[Deviation]:
    told = summarise(found)
    for name, want in expected.items():
        if want is not None and name in allowed.summaries and name in told:
            yield Deviation(allowed.metric, name, want, told[name], allowed.summaries[name], RISING[name])


def _measured(expected: Expected, record: Record, allowed: Sequence[Tolerance], exact: bool) -> Outcome:
    """The numbers of a run that may be compared."""
    cells = [d for a in allowed for d in _cells(expected.scores[a.metric], record.scores[a.metric], a)]
    sums = [d for a in allowed for d in _summaries(expected.summaries[a.metric], record.scores[a.metric], a)]
    moved = [d for d in cells + sums if abs(d.gain) > (0 if exact else d.tolerance)]
    largest = max((abs(d.gain) for d in cells), default=0.0)
    verdict: Verdict = "within" if largest else "exact"
    if moved:
        verdict = "differs" if exact else "worse" if any(d.gain < 0 for d in moved) else "better"
    key = key_of(record)
    return Outcome(
        verdict, name_of(key), key=key, beyond=tuple(sorted(moved, key=lambda d: d.gain)), largest=largest
    )


def _not_comparable(
    expected: Expected | None, record: Record, baseline: Baseline
) -> tuple[Verdict, str] | None:
    """Why a record cannot be held against the baseline."""
    if record.track != baseline.track:
        ours, theirs = (
            f"{track.name} version {track.version} {track.digest[:12]}"
            for track in (record.track, baseline.track)
        )
        return "foreign", f"track {ours}, the baseline's is {theirs}"
    if expected is None:
        return (
            "foreign",
            (
                "the baseline has no such run; `cbench check --update` replaces the baseline by one of the "
                "records given"
            ),
        )
    if (record.suite_digest, record.tasks) != (expected.suite_digest, expected.tasks):
        return "foreign", "the suite's data or tasks are not the baseline's"
    if record.method.version != expected.version:
        return (
            "foreign",
            f"version {record.method.version} of the method, the baseline has {expected.version}",
        )
    if lacking := sorted(expected.scores.keys() - record.scores.keys()):
        return "incomplete", f"no scores of {', '.join(lacking)}"
    if record.learned < expected.learned:
        return "incomplete", f"{record.learned} tasks learned, {expected.learned} in the baseline"
    for metric, want in expected.scores.items():
        if (have := len(record.scores[metric].base)) < len(want.base):
            return (
                "incomplete",
                f"base scores are missing: {metric} has {have}, {len(want.base)} in the baseline",
            )
    if record.learned > expected.learned:
        return "foreign", f"{record.learned} tasks learned, only {expected.learned} in the baseline"
    return None


def _same(stored: Mapping[str, float | None], now: Mapping[str, float | None]) -> bool:
    """Whether the stored summaries are today's. One that cbench has learned since is not held against an
    older baseline."""
    return stored == {name: value for name, value in now.items() if name in stored}


def _follow(stored: Sequence[Tolerance], now: Sequence[Tolerance]) -> bool:
    if len(stored) != len(now):
        return False
    bare = [t.model_copy(update={"summaries": {}}) for t in (*stored, *now)]
    return bare[: len(now)] == bare[len(now) :] and all(
        _same(a.summaries, b.summaries) for a, b in zip(stored, now, strict=True)
    )


def reaggregate(baseline: Baseline) -> list[Outcome]:
    """The baseline's own matrices, summarised again: an outcome for every run whose numbers are no longer
    exactly those stored."""
    found = []
    for run in baseline.runs:
        if not all(_same(run.summaries[metric], summarise(scores)) for metric, scores in run.scores.items()):
            key = key_of(run)
            found.append(
                Outcome(
                    "reaggregated",
                    name_of(key),
                    "the stored summaries do not follow from the stored matrices",
                    key,
                )
            )
    if not _follow(baseline.tolerances, tolerances(baseline.runs)):
        found.append(
            Outcome(
                "reaggregated", "tolerances", "the stored tolerances do not follow from the stored matrices"
            )
        )
    return found


def gather(folders: Iterable[Path]) -> tuple[list[Stored], list[Outcome]]:
    """The records of some folders, and an outcome for every file that cannot be read."""
    stored, broken = [], []
    for path in all_paths(folders):
        try:
            stored.append(Stored(path, read_record(path)))
        except BadInput as error:
            broken.append(Outcome("unreadable", path.name, str(error)))
    return stored, broken


def check(baseline: Baseline, stored: Sequence[Stored], exact: bool = False) -> list[Outcome]:
    """An outcome for every run of the baseline and every record: `exact` wants the same numbers to the last
    bit."""
    expected = {key_of(run): run for run in baseline.runs}
    outcomes, seen = reaggregate(baseline), dict[Key, Path]()
    for path, record in stored:
        key = key_of(record)
        reason = _not_comparable(expected.get(key), record, baseline)
        if reason:
            outcomes.append(Outcome(reason[0], name_of(key), f"{path}: {reason[1]}", key))
        elif key in seen:
            outcomes.append(Outcome("twice", name_of(key), f"{seen[key]} and {path} are both this run", key))
        else:
            allowed = [
                t
                for t in baseline.tolerances
                if (t.suite, t.method) == key[:2] and t.metric in expected[key].scores
            ]
            outcomes.append(_measured(expected[key], record, allowed, exact))
        if record.track == baseline.track:
            seen.setdefault(key, path)
    return outcomes + [
        Outcome("missing", name_of(key), "no record", key) for key in expected if key not in seen
    ]


def failure(outcomes: Sequence[Outcome]) -> CbenchError | None:
    """The error that ends the command: CheckFailed (exit code 1), Incomplete (3) where only runs are missing,
    or none."""
    counts = Counter(outcome.verdict for outcome in outcomes)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (*FAILED, *UNFINISHED) if counts[verdict])
    if any(counts[verdict] for verdict in FAILED):
        return CheckFailed(f"check failed: {told}")
    return Incomplete(f"check incomplete: {told}; run what is missing and check again") if told else None
