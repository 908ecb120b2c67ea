"""The section of a page that compares a board with the published numbers."""

from cbench.leaderboard.collect import Board
from cbench.leaderboard.markdown import code, grid, mean_std, number, signed, span
from cbench.leaderboard.published import (
    Agreement,
    Match,
    PublishedSuite,
    Theirs,
    agreement,
    matches,
    published,
    side_by_side,
)
from cbench.leaderboard.statistics import Spread
from cbench.leaderboard.table import Table

ORDER_NOTE = (
    "Best method first, over the runs that all of these methods have. tau: Kendall's rank correlation (1: "
    "the published order, -1: its reverse). Its interval is the middle 95 % of 2000 draws: our orders "
    "resampled, seeds averaged, and the published means drawn from their printed spread over four orders."
)


def beside_published(board: Board, table: Table) -> list[str]:
    """The numbers for a track that follows the paper's protocol, the order of the methods for any track;
    empty if nothing can be compared."""
    paper = published().suites.get(board.suite)
    if paper is None:
        return []
    orders = [order for match in matches(board, paper) if (order := agreement(board, match, paper))]
    parts = _beside(board, table, paper) + ([_orders(orders), ORDER_NOTE] if orders else [])
    return [_title(paper), *parts] if parts else []


def _beside(board: Board, table: Table, paper: PublishedSuite) -> list[str]:
    """Our numbers beside theirs, or why they are not compared, for another track of the same name."""
    name = board.track.name
    if name not in published().tracks:
        return []
    from cbench.plan import open_track  # half of the page's import time, needed for these tracks only

    if open_track(name).digest != board.track.digest:
        return [
            "The numbers are not compared: this track's digest differs from that of the installed "
            f"{code(name)}."
        ]
    pairs = side_by_side(board, table.rows, paper)
    return [_numbers(pairs)] if pairs else []


def _title(paper: PublishedSuite) -> str:
    study = published()
    return (
        f"### Comparison with the published numbers\n\n{study.authors}: {study.title}, {study.source}, "
        f"{paper.table}."
    )


def _column(match: Match) -> str:
    about = match.column.about
    return f"{about.title} {match.name} {about.arrow}"


def _numbers(pairs: list[Theirs]) -> str:
    def line(pair: Theirs) -> list[str]:
        ours, (mean, std) = pair.ours, pair.theirs
        theirs = number(mean) if std is None else mean_std(Spread(mean, std, published().runs))
        about = [code(pair.label), _column(pair.match)]
        return [*about, mean_std(ours), f"{ours.n}", theirs, signed(ours.mean - mean)]

    head = ["method", "column", "ours", "our runs", "published", "difference"]
    return grid(head, [line(pair) for pair in pairs], left=2)


def _orders(agreements: list[Agreement]) -> str:
    def line(one: Agreement) -> list[str]:
        ours, theirs = (", ".join(map(code, order)) for order in (one.ours, one.theirs))
        return [_column(one.match), ours, theirs, f"{one.tau:+.2f}", span(one.interval), f"{one.runs}"]

    head = ["column", "our order", "published order", "tau", "95 % interval", "runs"]
    return grid(head, [line(one) for one in agreements], left=3)
