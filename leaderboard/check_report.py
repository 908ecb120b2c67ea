"""The gate's outcomes as a table for a terminal, as markdown, and as data."""

from collections import Counter
from collections.abc import Sequence
from math import inf
from typing import Any

from cbench.leaderboard.as_good import FALSE_ALARMS, Judgement, outcomes_of
from cbench.leaderboard.baseline import Baseline
from cbench.leaderboard.check import FAILED, UNFINISHED, Deviation, Outcome
from cbench.leaderboard.markdown import NONE, code, grid, number, plain, signed
from cbench.leaderboard.summaries import SUMMARIES
from cbench.leaderboard.tolerance import CELL_BOUND, DEVIATIONS, FLOOR, RATIO_BOUND, SUMMARY_BOUND
from cbench.utils.text import printable

SHOWN = 3
"""Numbers beyond their tolerance printed for each run; --json has all."""
RULE = (
    "Claim: every number of every run is that of the same run before, for the kind of machine that made the "
    f"baseline. Tolerance: {DEVIATIONS} standard deviations over the baseline's seeds (over its orders if "
    f"it has one seed), at least {FLOOR}, at most {CELL_BOUND} for a cell, {SUMMARY_BOUND} for a summary, "
    f"{RATIO_BOUND} for the gain retained; a baseline of a single run takes the maximum. For a metric that "
    "is no cosine they count in halves of its range, or in its largest number."
)
EXACT_RULE = "Claim: every number is bit for bit the baseline's, as on the same machine with the same code."


def as_good_rule(false_alarms: float = FALSE_ALARMS) -> str:
    """What the check of several runs claims."""
    return (
        "Claim: the method is as good as before, within the spread of several runs, on any machine. "
        "One-sided t tests between seeds within orders; correct runs fail this check with a probability of "
        f"at most {false_alarms:g} in all. Caught: the loss that is found with 80 % power; a smaller one "
        "may pass."
    )


def _deviation(deviation: Deviation) -> str:
    metric, where, expected, actual, tolerance, _ = deviation
    return (
        f"{metric} {where}: {number(expected, 4)} -> {number(actual, 4)} (tolerance {number(tolerance, 4)})"
    )


def _line(outcome: Outcome) -> str:
    deviations = "; ".join(map(_deviation, outcome.beyond[:SHOWN]))
    more = f"; and {len(outcome.beyond) - SHOWN} more" if len(outcome.beyond) > SHOWN else ""
    return f"{outcome.verdict}: {outcome.subject}: {outcome.detail}{deviations}{more}"


def _table(outcomes: Sequence[Outcome]) -> tuple[list[str], list[list[str]]]:
    """A row for each suite and method: the number of runs by verdict, and the largest change of a cell."""
    keyed = [o for o in outcomes if o.key]
    verdicts = sorted({o.verdict for o in keyed})
    rows = []
    for suite, method in dict.fromkeys(o.key[:2] for o in keyed if o.key):
        mine = [o for o in keyed if o.key and o.key[:2] == (suite, method)]
        counts = Counter(o.verdict for o in mine)
        largest = max((o.largest for o in mine if o.largest is not None), default=None)
        rows.append([suite, method, *(str(counts[v]) for v in verdicts), number(largest, 4)])
    return ["suite", "method", *verdicts, "largest change"], rows


def _notable(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.verdict in (*FAILED, *UNFINISHED, "better")]


def _plain_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    from tabulate import tabulate

    cells = [[printable(cell) for cell in row] for row in rows]
    return tabulate(cells, headers=head, tablefmt="simple", disable_numparse=True)


def text(outcomes: Sequence[Outcome], exact: bool = False) -> str:
    """For a terminal: the table, a line for every outcome that is not a plain pass, and the rule."""
    lines = [printable(_line(outcome)) for outcome in _notable(outcomes)]
    return "\n".join([_plain_table(*_table(outcomes)), *lines, EXACT_RULE if exact else RULE])


def markdown(outcomes: Sequence[Outcome], exact: bool = False) -> str:
    """For a pull request: the same as markdown."""
    head, rows = _table(outcomes)
    body = [[plain(suite), code(method), *rest] for suite, method, *rest in rows]
    return _markdown(grid(head, body, left=2), outcomes, EXACT_RULE if exact else RULE)


def _markdown(table: str, outcomes: Sequence[Outcome], rule: str) -> str:
    lines = "\n".join(f"- {plain(_line(outcome))}" for outcome in _notable(outcomes))
    return "\n\n".join(filter(None, ("### cbench check", table, lines, rule)))


def data(outcomes: Sequence[Outcome], baseline: Baseline, exact: bool = False) -> dict[str, Any]:
    """For programs: the same as JSON values."""
    listed = [o._asdict() | {"beyond": [d._asdict() for d in o.beyond]} for o in outcomes]
    passed = not any(o.verdict in (*FAILED, *UNFINISHED) for o in outcomes)
    rule = EXACT_RULE if exact else RULE
    return {"passed": passed, "track": baseline.track.model_dump(), "rule": rule, "outcomes": listed}


AS_GOOD_HEAD = ["suite", "method", "column", "runs", "of the baseline", "gain", "p", "caught", "verdict"]


def _caught(loss: float) -> str:
    return NONE if loss == inf else number(loss)


def _judged(judgement: Judgement) -> list[str]:
    about = SUMMARIES[judgement.summary]
    numbers = [signed(judgement.gain), number(judgement.p, 4), _caught(judgement.caught)]
    counts = [f"{judgement.runs}", f"{judgement.baseline_runs}"]
    column = f"{about.title} {judgement.metric}"
    return [judgement.suite, judgement.method, column, *counts, *numbers, judgement.verdict]


def as_good_text(judgements: Sequence[Judgement], outcomes: Sequence[Outcome], false_alarms: float) -> str:
    """The check of several runs for a terminal."""
    notable = _notable([*outcomes, *(o for o in outcomes_of(judgements) if o.detail)])
    table = _plain_table(AS_GOOD_HEAD, list(map(_judged, judgements)))
    return "\n".join([table, *(printable(_line(o)) for o in notable), as_good_rule(false_alarms)])


def as_good_markdown(
    judgements: Sequence[Judgement], outcomes: Sequence[Outcome], false_alarms: float
) -> str:
    """The check of several runs for a pull request."""
    rows = [
        [plain(suite), code(method), plain(column), *rest]
        for suite, method, column, *rest in map(_judged, judgements)
    ]
    notable = [*outcomes, *(o for o in outcomes_of(judgements) if o.detail)]
    return _markdown(grid(AS_GOOD_HEAD, rows, left=3), notable, as_good_rule(false_alarms))


def as_good_data(
    judgements: Sequence[Judgement], outcomes: Sequence[Outcome], baseline: Baseline, false_alarms: float
) -> dict[str, Any]:
    """The check of several runs for programs."""
    every = [*outcomes, *outcomes_of(judgements)]
    rest = {"rule": as_good_rule(false_alarms), "judgements": [j.data() for j in judgements]}
    return data(every, baseline) | rest
