"""The section of a page that puts a board beside the published numbers."""

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
    "Best method first, over the runs that all of these methods share; tau is Kendall's (1: the published "
    "order, -1: its reverse), "
    "its interval the middle 95 % of 2000 resamplings of the runs."
)


def beside_published(board: Board, made: Table) -> list[str]:
    """Numbers for a track that follows the paper's protocol, the order of the methods for any; nothing where
    nothing compares."""
    paper = published().suites.get(board.suite)
    if paper is None:
        return []
    orders = [found for match in matches(board, paper) if (found := agreement(board, match, paper))]
    parts = _beside(board, made, paper) + ([_orders(orders), ORDER_NOTE] if orders else [])
    return [_title(paper), *parts] if parts else []


def _beside(board: Board, made: Table, paper: PublishedSuite) -> list[str]:
    """Our numbers beside theirs; a line that says why not for a track that only bears the name of one that
    follows the protocol."""
    name = board.track.name
    if name not in published().tracks:
        return []
    from cbench.plan import open_track  # half of the page's time to import: only for a track of that name

    if open_track(name).digest != board.track.digest:
        return [
            f"The numbers are not compared: this track has another digest than the {code(name)} that is "
            "installed."
        ]
    found = side_by_side(board, made.rows, paper)
    return [_numbers(found)] if found else []


def _title(paper: PublishedSuite) -> str:
    return (
        f"### Beside the published numbers\n\n{published().authors}: {published().title}, "
        f"{published().source}, {paper.table}."
    )


def _column(match: Match) -> str:
    about = match.column.about
    return f"{about.title} {match.name} {about.arrow}"


def _numbers(found: list[Theirs]) -> str:
    def line(cell: Theirs) -> list[str]:
        mean, std = cell.theirs
        theirs = number(mean) if std is None else mean_std(Spread(mean, std, published().runs))
        return [
            code(cell.label),
            _column(cell.match),
            mean_std(cell.ours),
            f"{cell.ours.n}",
            theirs,
            signed(cell.ours.mean - mean),
        ]

    return grid(
        ["method", "column", "ours", "our runs", "published", "difference"],
        [line(cell) for cell in found],
        left=2,
    )


def _orders(found: list[Agreement]) -> str:
    def line(one: Agreement) -> list[str]:
        ours, theirs = (", ".join(map(code, order)) for order in (one.ours, one.theirs))
        return [_column(one.match), ours, theirs, f"{one.tau:+.2f}", span(one.interval), f"{one.runs}"]

    return grid(
        ["column", "our order", "published order", "tau", "95 % interval", "runs"],
        [line(one) for one in found],
        left=3,
    )
