"""The numbers that `--stats` adds to a row, for programs."""

from typing import Any

from cbench.leaderboard import diagnostics
from cbench.leaderboard.collect import Board, Entry
from cbench.leaderboard.forgetting_noise import noise_floor
from cbench.leaderboard.over_runs import normalised, over_runs
from cbench.leaderboard.statistics import variance_shares
from cbench.leaderboard.stream_length import growth
from cbench.leaderboard.summaries import SUMMARIES, mean
from cbench.leaderboard.table import Row, Table, columns_of, terms
from cbench.record.record import Costs


def stats_data(board: Board, table: Table, row: Row) -> dict[str, Any]:
    """Every summary, the noise floors, the shares of variance, the growth over the stream, the diagnostics
    and the mean costs of one method."""
    entry, digest = board.entries[row.label], diagnostics.usual(board)
    shares = {column: variance_shares(terms(entry, column)) for column in table.columns}
    floors = [noise_floor(entry, metric) for metric in board.metrics]
    return {
        "summaries": _summaries(board, entry),
        "noise_floors": [floor.data() for floor in floors if floor],
        "variance": [column.data() | split._asdict() for column, split in shares.items() if split],
        "length": [
            {"metric": metric, "points": [point.data() for point in growth(entry, metric)]}
            for metric in board.metrics
        ],
        "companions": diagnostics.data(entry, digest) if digest else [],
        "costs": {name: _mean_cost(entry, name) for name in Costs.model_fields},
    }


def _mean_cost(entry: Entry, name: str) -> float | None:
    """Mean over the runs whose record has this cost; older records lack some."""
    costs = [getattr(record.costs, name) for record in entry.runs.values()]
    return mean(cost for cost in costs if cost is not None)


def _summaries(board: Board, entry: Entry) -> list[dict[str, Any]]:
    columns = [column for metric in board.metrics for column in columns_of(board, SUMMARIES, [metric])]
    listed = [(column.data(), over_runs(entry, column)) for column in columns]
    listed += [
        ({"summary": "normalised_score", "metric": metric}, normalised(board, entry, metric))
        for metric in board.metrics
    ]
    return [about | cell._asdict() for about, cell in listed if cell]
