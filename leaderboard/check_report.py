"""The gate's outcomes as a table for a terminal, as markdown, and as data."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cbench.leaderboard.baseline import Baseline
from cbench.leaderboard.check import FAILED, UNFINISHED, Deviation, Outcome
from cbench.leaderboard.markdown import code, grid, number, plain
from cbench.leaderboard.tolerance import CELL_BOUND, DEVIATIONS, FLOOR, RATIO_BOUND, SUMMARY_BOUND
from cbench.utils.text import printable

SHOWN = 3
"""Numbers beyond their tolerance printed for each run; --json has all."""
RULE = (
    f"Tolerance: {DEVIATIONS} standard deviations over the baseline's seeds (over its orders if it has one "
    f"seed), at least {FLOOR}, at most {CELL_BOUND} for a cell, {SUMMARY_BOUND} for a summary, {RATIO_BOUND} "
    "for the gain retained; a baseline of a single run takes the maximum. For a metric that is no cosine "
    "they count in halves of its range, or in its largest number."
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


def text(outcomes: Sequence[Outcome]) -> str:
    """For a terminal: the table, a line for every outcome that is not a plain pass, and the rule."""
    from tabulate import tabulate

    head, rows = _table(outcomes)
    cells = [[printable(cell) for cell in row] for row in rows]
    table = tabulate(cells, headers=head, tablefmt="simple", disable_numparse=True)
    return "\n".join([table, *(printable(_line(outcome)) for outcome in _notable(outcomes)), RULE])


def markdown(outcomes: Sequence[Outcome]) -> str:
    """For a pull request: the same as markdown."""
    head, rows = _table(outcomes)
    body = [[plain(suite), code(method), *rest] for suite, method, *rest in rows]
    lines = "\n".join(f"- {plain(_line(outcome))}" for outcome in _notable(outcomes))
    return "\n\n".join(filter(None, ("### cbench check", grid(head, body, left=2), lines, RULE)))


def data(outcomes: Sequence[Outcome], baseline: Baseline) -> dict[str, Any]:
    """For programs: the same as JSON values."""
    listed = [o._asdict() | {"beyond": [d._asdict() for d in o.beyond]} for o in outcomes]
    passed = not any(o.verdict in (*FAILED, *UNFINISHED) for o in outcomes)
    return {"passed": passed, "track": baseline.track.model_dump(), "rule": RULE, "outcomes": listed}
