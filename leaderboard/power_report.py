"""The answers of `cbench power` as markdown and as data."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cbench.errors import BadInput, unknown
from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.markdown import NONE, code, grid, number, plain, signed, span
from cbench.leaderboard.page import heading
from cbench.leaderboard.power import MOST_ORDERS, POWER, Comparison, Resolution, comparison, grows, resolution
from cbench.leaderboard.statistics import ALPHA, t_test
from cbench.leaderboard.stop_rule import Look
from cbench.leaderboard.summaries import PUBLISHED, SUMMARIES
from cbench.leaderboard.table import Column, build_table, columns_of


class Question(NamedTuple):
    """What is asked of some runs."""

    methods: tuple[str, str] | None = None
    """Two methods; None compares every method with the reference."""
    reference: str = "naive"
    column: str | None = None
    """A summary by name or title, or SUMMARY/METRIC; None for score and forgetting."""
    orders: tuple[int, ...] = (4, 8, 12, 16)
    seeds: int | None = None
    compared: int = 1
    """Number of comparisons that share the level."""
    looks: tuple[Look, ...] = ()

    @property
    def alpha(self) -> float:
        """The level of each comparison: Bonferroni's, an upper bound of what step-down max-T needs."""
        return ALPHA / self.compared


class Answer(NamedTuple):
    """What a board answers."""

    board: Board
    resolutions: list[tuple[Resolution, list[float]]]
    """Each column's resolution, and the smallest difference for each number of orders asked for."""
    comparisons: list[Comparison]
    question: Question

    def data(self) -> dict[str, Any]:
        """The answer for programs."""
        orders = list(self.question.orders)
        about = {"suite": self.board.suite, "track": self.board.track.model_dump(), "power": POWER}
        return about | {
            "alpha": self.question.alpha,
            "reference": self.question.reference,
            "resolution": [
                r.data() | {"by_orders": dict(zip(orders, d, strict=True))} for r, d in self.resolutions
            ],
            "comparisons": [c.data() for c in self.comparisons],
            "looks": [look._asdict() for look in self.question.looks],
        }


def _summaries(wanted: str | None) -> Sequence[str]:
    """The summaries that a word names: all published ones, one by its name, or one by its title."""
    if wanted is None:
        return PUBLISHED
    titles = {about.title: name for name, about in SUMMARIES.items()}
    name = titles.get(wanted, wanted)
    if name not in SUMMARIES:
        raise unknown("column", wanted, {*SUMMARIES, *titles})
    if SUMMARIES[name].parts:
        raise BadInput(f"column {wanted} is a ratio of means, without a difference of orders; name another")
    return [name]


def _columns(board: Board, wanted: str | None) -> list[Column]:
    summary, _, metric = (wanted or "").partition("/")
    return columns_of(board, _summaries(summary or None), [metric] if metric else None)


def asked(boards: Sequence[Board], question: Question) -> list[Board]:
    """The boards that have the methods and the metric of a question. Raises BadInput, with the nearest name,
    if none has."""
    metric, chosen = (question.column or "").partition("/")[2], list(boards)
    for label in question.methods or (question.reference,):
        names = {name for board in boards for name in board.entries}
        if chosen and not (chosen := [board for board in chosen if label in board.entries]):
            raise unknown("method", label, names)
    if metric and not (having := [board for board in chosen if metric in board.metrics]):
        raise unknown("metric", metric, {name for board in chosen for name in board.metrics})
    return having if metric else chosen


def answer(board: Board, question: Question) -> Answer:
    """The answer of one board. Raises BadInput for an unknown column, and if no pair of methods shares two
    orders."""
    columns = _columns(board, question.column)
    trained = [label for label in board.entries if label != BASE]
    others = [(label, question.reference) for label in trained if label != question.reference]
    pairs = [question.methods] if question.methods else others
    judged = [
        comparison(board, column, one, two, question.seeds, question.alpha)
        for one, two in pairs
        for column in columns
    ]
    comparisons = [one for one in judged if one]
    if not comparisons:
        raise BadInput(
            f"{board.suite} on {board.track.name}: no two of these methods differ in these columns over two "
            "shared orders; run more orders, or name others with --methods and --column"
        )
    if question.looks and len(comparisons) > 1:
        raise BadInput(
            f"looks decide on one comparison, here are {len(comparisons)}: name one with --methods A B and "
            "--column SUMMARY/METRIC"
        )
    table = build_table(board, list(dict.fromkeys(c.summary for c in columns)))
    compared = () if question.methods else columns
    resolutions = [r for c in compared if (r := resolution(table, c, question.reference))]
    return Answer(
        board,
        [(r, grows(r.std, question.orders, question.alpha)) for r in resolutions],
        comparisons,
        question,
    )


def text(answers: Sequence[Answer]) -> str:
    """The answers as markdown."""
    return "\n\n".join(part for one in answers for part in _parts(one))


def _parts(one: Answer) -> list[str]:
    question, parts = one.question, [heading(one.board)]
    if one.resolutions:
        title = (
            f"### The smallest difference from {code(question.reference)} that is detected with 80 % power"
        )
        parts += [title, _resolutions(one), RESOLUTION_NOTE]
    parts += ["### Orders that tell two methods apart", _comparisons(one.comparisons), COMPARISON_NOTE]
    if question.compared > 1:
        parts += [f"{question.compared} comparisons share the level {ALPHA}: each has {question.alpha:.4f}."]
    if question.looks:
        parts += ["### Looks before the end", _looks(question.looks), LOOKS_NOTE, *_standing(one)]
    return parts


RESOLUTION_NOTE = (
    "Two-sided t test over orders. Standard deviation: of an order's difference from the reference (seeds "
    "averaged), root mean square over the methods."
)


COMPARISON_NOTE = (
    "Orders needed: for 80 % power if the true difference is the one observed, and in brackets at the 80 % "
    "limits of the standard deviation, which few orders estimate roughly. An observed difference that was "
    "picked because it is large is too large: plan with the smallest difference that matters. Hours: of the "
    "runs of both methods that are missing, at the costs in the records, one run after another."
)


LOOKS_NOTE = (
    "Stop at a look if Student's t test over the orders so far gives a p of at most the one in its line, "
    "else go on; the last look is the end. However many looks are taken, a false difference is found with "
    "probability 0.05 in all (alpha spending of Lan and DeMets, like O'Brien and Fleming). The looks must "
    "be named before the first one, and one column of two methods must be named as the one that decides."
)


def _resolutions(one: Answer) -> str:
    head = ["column", "orders now", "standard deviation", *(f"{n} orders" for n in one.question.orders)]
    rows = [
        [plain(r.column.title), f"{r.orders}", number(r.std), *map(number, differences)]
        for r, differences in one.resolutions
    ]
    return grid(head, rows)


def _needed(orders: int | None) -> str:
    return f"> {MOST_ORDERS}" if orders is None else f"{orders}"


def _comparisons(comparisons: Sequence[Comparison]) -> str:
    def row(c: Comparison) -> list[str]:
        difference = c.difference
        about = [code(c.one), code(c.two), plain(c.column.title)]
        now = [signed(difference.mean), span(difference.interval), f"{c.orders}", number(difference.p, 4)]
        limits = " to ".join(map(_needed, c.limits))
        hours = NONE if c.hours is None else number(c.hours, 1)
        return [*about, *now, number(c.resolves), f"{c.seeds}", f"{_needed(c.needed)} [{limits}]", hours]

    head = ["method", "and", "column", "difference", "95 % interval", "orders now", "p", "resolved now"]
    return grid([*head, "seeds", "orders needed", "hours"], [row(c) for c in comparisons], left=3)


def _looks(looks: Sequence[Look]) -> str:
    rows = [[f"{look.orders}", number(look.spent, 5), number(look.p, 5)] for look in looks]
    return grid(["orders", "level spent", "stop if p ≤"], rows, left=0)


def _standing(one: Answer) -> list[str]:
    """What the rule says of the stored orders, for comparisons that are at a look."""
    lines = []
    for c in one.comparisons:
        look = next((look for look in one.question.looks if look.orders == c.orders), None)
        if look:
            p = t_test(list(c.difference.by_order.values()))
            if p <= look.p:
                verdict = "they are told apart, stop"
            else:
                verdict = "go on" if look != one.question.looks[-1] else "the end: they are not told apart"
            title, pair = plain(c.column.title), f"{code(c.one)} and {code(c.two)}"
            lines.append(f"- {pair}, {title}, {c.orders} orders: p = {number(p, 5)}: {verdict}.")
    return ["\n".join(lines)] if lines else []
