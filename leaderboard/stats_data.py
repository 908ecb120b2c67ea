"""The numbers that `--stats` adds to a row, for programs."""

from collections.abc import Sequence
from typing import Any

from cbench.leaderboard import diagnostics
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.statistics import interval, spread, variance_shares
from cbench.leaderboard.stats_sections import normalised
from cbench.leaderboard.summaries import SUMMARIES, mean
from cbench.leaderboard.table import Row, Table, columns_of, values
from cbench.record.record import Costs


def stats_data(board: Board, table: Table, row: Row) -> dict[str, Any]:
    """Every summary, the shares of variance, the diagnostics and the mean costs of one method."""
    entry, digest = board.entries[row.label], diagnostics.usual(board)
    shares = {column: variance_shares(row.values.get(column, {})) for column in table.columns}
    return {
        "summaries": _summaries(board, entry),
        "variance": [column.data() | split._asdict() for column, split in shares.items() if split],
        "companions": diagnostics.data(entry, digest) if digest else [],
        "costs": {name: _mean_cost(entry, name) for name in Costs.model_fields},
    }


def _mean_cost(entry: Entry, name: str) -> float | None:
    """Mean over the runs whose record has this cost; older records lack some."""
    costs = [getattr(record.costs, name) for record in entry.runs.values()]
    return mean(cost for cost in costs if cost is not None)


def _summaries(board: Board, entry: Entry) -> list[dict[str, Any]]:
    columns = [column for metric in board.metrics for column in columns_of(board, SUMMARIES, [metric])]
    listed = [(column.data(), list(values(entry, column).values())) for column in columns]
    listed += [
        ({"summary": "normalised_score", "metric": metric}, normalised(board, entry, metric))
        for metric in board.metrics
    ]
    return [about | _spread(numbers) for about, numbers in listed if numbers]


def _spread(numbers: Sequence[float]) -> dict[str, Any]:
    return spread(numbers)._asdict() | {"interval": interval(numbers)}
