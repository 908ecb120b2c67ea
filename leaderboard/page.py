"""A leaderboard as one markdown page: a pure function of the boards, the same bytes for the same records."""

from collections.abc import Iterable, Sequence
from typing import Any

from cbench.leaderboard import devices, stats_sections
from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.markdown import code, grid, mean_std, medal, number, plain
from cbench.leaderboard.paper_comparison import beside_published
from cbench.leaderboard.power import Resolution, resolution
from cbench.leaderboard.published import published
from cbench.leaderboard.statistics import ALPHA, FEWEST_FLIPPED, Run, interval
from cbench.leaderboard.stats_data import stats_data
from cbench.leaderboard.table import (
    Column,
    Marks,
    Places,
    Row,
    Table,
    build_table,
    differences,
    least,
    places,
    rivals,
    shared,
)
from cbench.record.tuned import Tuned
from cbench.scale import COSINE

REFERENCE = "naive"
"""The default reference method: plain fine-tuning."""
LISTED_RUNS = 4
INTRO = (
    "Average score (higher is better) and average forgetting (lower is better) of each metric: mean ± "
    "population standard deviation over runs; a run is one order of the tasks and one training seed. "
    "**Bold**: the best method and every method that cannot be told apart from it; <u>underlined</u>: the "
    "next such group; no mark where all methods of a column are one group. In brackets: the ranks that a "
    "method takes when the orders are resampled (95 %)."
)

CEILING_NOTE = (
    "*ceiling*: real against real, the similarity of each reference to the concept's other references; the "
    "base model is the floor. ‡ marks a score above the ceiling: more like the references than other real "
    "images of the concept, so probably copies."
)


RESOLUTION_NOTE = (
    "*resolution*: the smallest true difference from {} that the orders of the column detect with 80 % "
    "power, in one comparison at level 0.05 (`cbench power`)."
)


Ranks = dict[Column, Places]


def heading(board: Board) -> str:
    """The board's suite and protocol."""
    name, version, digest = plain(board.track.name), board.track.version, code(board.track.digest[:12])
    return f"## {plain(board.suite)}: track {name}, version {version}, digest {digest}"


def copies(board: Board, column: Column, mean: float) -> bool:
    """Whether a score lies beyond the ceiling: images more like the references than other real images are."""
    if column.summary != "average_score" or column.metric not in board.ceilings:
        return False
    beyond = mean - board.ceilings[column.metric]
    return beyond > 0 if column.about.rising else beyond < 0


def _row(
    row: Row, board: Board, table: Table, ranks: Ranks, marks: Marks, origins: devices.Origins
) -> list[str]:
    def cell(column: Column) -> str:
        against, values, places = marks.get((row.label, column)), row.cells.get(column), ranks[column]
        fewer = f" ({values.n} runs)" if values and values.n < row.n else ""
        mark = "†" if against and against.significant else ""
        mark += "‡" if values and copies(board, column, values.mean) else ""
        place = places.get(row.label)
        between = f" {_ranks(*place.ranks)}" if place and place.ranks else ""
        return medal(mean_std(values), place.group if place else None) + mark + between + fewer

    star = ("" if row.complete else " \\*") + (" §" if row.label in origins.others else "")
    variant = published().variants.get(row.label)
    title = f"{row.title}, {variant.name}" if variant else row.title
    name = f"{plain(title)} {code(row.label)}" + ("" if row.regime == "strict" else f" ({row.regime})")
    return [name + (" ¶" if row.tuned else "") + star, f"{row.n}", *map(cell, table.columns)]


def _ranks(low: int, high: int) -> str:
    return f"[{low}]" if low == high else f"[{low}-{high}]"


def _runs(runs: Iterable[Run]) -> str:
    listed = [f"order {order} seed {seed}" for order, seed in runs]
    more = f" and {len(listed) - LISTED_RUNS} more" if len(listed) > LISTED_RUNS else ""
    return ", ".join(listed[:LISTED_RUNS]) + more


def _unfinished(row: Row, tasks: int) -> str:
    missing = [run for run in row.missing if run not in row.partial]
    parts = [f"lacks {_runs(missing)}"] if missing else []
    parts += [
        f"order {o} seed {s} ended after {learned} of {tasks} tasks"
        for (o, s), learned in list(row.partial.items())[:LISTED_RUNS]
    ]
    more = len(row.partial) - LISTED_RUNS
    parts += [f"{more} more ended early"] if more > 0 else []
    return f"{code(row.label)}: {'; '.join(parts)}"


def _ranked_over(ranked: Sequence[Row]) -> str:
    """The note on methods with different runs: the runs that decide their ranks."""
    runs, methods = sorted(shared(ranked)), ", ".join(code(row.label) for row in ranked)
    if not runs:
        return f"{methods} are not ranked: they share no complete run."
    return f"{methods} are ranked by their means over the runs that all of them have: {_runs(runs)}."


def _origins(origins: devices.Origins, board: Board) -> list[str]:
    """The note on runs of other devices or optimizers than the other runs of the board."""
    parts = []
    for label, by_origin in origins.others.items():
        for one, runs in by_origin.items():
            every = len(runs) == len(board.entries[label].runs) + len(board.entries[label].partial)
            on = [f"on {plain(' and '.join(one.devices))}"] if one.devices != origins.usual else []
            on += [f"trained by {plain(one.optimizer)}, not the track's optimizer"] if one.optimizer else []
            parts.append(f"{code(label)}: {'all runs' if every else _runs(runs)} {', '.join(on)}")
    if not parts:
        return []
    most = f" Most runs are on {plain(', '.join(origins.usual))}." if origins.usual else ""
    return [
        f"§ has runs of another device or optimizer, whose numbers differ somewhat.{most} {'; '.join(parts)}."
    ]


def notes(board: Board, table: Table, marks: Marks, reference: str, origins: devices.Origins) -> list[str]:
    """The legend of the table's marks, one line each, only for marks that occur."""
    lines = []
    lines += [
        f"{code(metric)}: {plain(scale.unit)}; {scale.better} is better. Forgetting, transfer and gains "
        "count in its better direction."
        for metric, scale in board.scales.items()
        if scale != COSINE
    ]
    incomplete = [_unfinished(row, board.tasks) for row in table.rows if not row.complete]
    if incomplete:
        lines.append(
            "\\* lacks runs that other methods of this table have; its numbers are over its own complete "
            f"runs. {'. '.join(incomplete)}."
        )
    lines += _origins(origins, board)
    lines += [
        _ranked_over(ranked)
        for ranked in rivals(table.rows).values()
        if any(row.n > len(shared(ranked)) for row in ranked)
    ]
    lines += _significance(marks, reference)
    if any(row.label == BASE for row in table.rows):
        lines.append(f"{code(BASE)} is a reference: it learns nothing, cannot forget and is not ranked.")
    lines += [_budget(row.label, board) for row in table.rows if _trained_steps(row.label, board)]
    lines += [_tuned(row.label, row.tuned) for row in table.rows if row.tuned]
    lines += [
        f"{code(label)}, {v.name}: {plain(v.about)}."
        for label, v in published().variants.items()
        if label in board.entries
    ]
    if any(row.regime != "strict" for row in table.rows):
        lines.append(
            "A row of a regime other than strict names it. Every regime is ranked apart; an oracle is an "
            "upper bound and not ranked."
        )
    return lines


def _trained_steps(label: str, board: Board) -> int:
    """The steps of a run of a method whose budget is not the track's; 0 if it is."""
    runs = board.entries[label].runs.values()
    return max((record.costs.trained_steps or 0 for record in runs), default=0)


def _budget(label: str, board: Board) -> str:
    return (
        f"{code(label)} has a training budget of its own: {_trained_steps(label, board)} steps a run "
        f"for {board.tasks} tasks."
    )


def _tuned(label: str, tuned: Tuned) -> str:
    options = ", ".join(tuned.options)
    return (
        f"¶ {code(label)}: {plain(options)} chosen by `cbench tune` from {tuned.trials} trials, by the "
        f"{plain(tuned.objective)} on a validation stream with a seed of its own."
    )


def _significance(marks: Marks, reference: str) -> list[str]:
    if not marks:
        return []
    orders = max(len(against.difference.by_order) for against in marks.values())
    if (smallest := least(marks)) >= ALPHA:
        return [
            f"Too few shared orders ({orders}) to detect a difference from {code(reference)} or between two "
            f"methods: the smallest p that they allow is {number(smallest)}."
        ]
    test = "rotations, for normal differences" if orders < FEWEST_FLIPPED else "exact sign flips"
    return [
        f"Tests are over orders, seeds averaged ({orders} shared orders; {test}), corrected by step-down "
        f"max-T: † differs from {code(reference)} (p < {ALPHA}, all methods and columns of this table as "
        "one family); groups that cannot be told apart, all pairs of a column as one family. [1-3]: the "
        "ranks of one method when the orders are resampled (95 %), not corrected for the number of methods, "
        "so a method may be bold although its own ranks exclude 1."
    ]


def _resolution(resolutions: Sequence[Resolution | None]) -> list[str]:
    """The last row of the table: the smallest difference that each column resolves."""
    return ["*resolution*", "", *(number(one.difference if one else None) for one in resolutions)]


def _ceilings(board: Board, table: Table) -> list[str]:
    """The row of the table for real against real."""
    scores = (board.ceilings.get(c.metric) if c.summary == "average_score" else None for c in table.columns)
    return ["*ceiling*", "", *map(number, scores)]


def section(board: Board, stats: bool, reference: str) -> str:
    """One board: its table, the notes, with `stats` the statistics, and the comparison with the paper."""
    table, origins = build_table(board), devices.origins(board)
    marks = differences(table, reference)
    ranks = {column: places(table.rows, column) for column in table.columns}
    resolutions = [resolution(table, column, reference) for column in table.columns]
    head = ["method", "runs", *(plain(column.title) for column in table.columns)]
    rows = [_row(row, board, table, ranks, marks, origins) for row in table.rows]
    rows += [_ceilings(board, table)] if board.ceilings else []
    rows += [_resolution(resolutions)] if any(resolutions) else []
    parts = [heading(board), grid(head, rows)]
    parts += [CEILING_NOTE] if board.ceilings else []
    parts += [RESOLUTION_NOTE.format(code(reference))] if any(resolutions) else []
    parts += notes(board, table, marks, reference, origins)
    parts += stats_sections.sections(board, table, marks, reference) if stats else []
    return "\n\n".join([*parts, *beside_published(board, table)])


def page(boards: Sequence[Board], stats: bool = False, reference: str = REFERENCE) -> str:
    """The whole page."""
    sections = [section(board, stats, reference) for board in boards]
    return "\n\n".join(["# Leaderboard", INTRO, *sections]) + "\n"


def data(boards: Sequence[Board], stats: bool = False, reference: str = REFERENCE) -> list[dict[str, Any]]:
    """The same tables for programs: plain values, ready for JSON."""
    return [_board_data(board, stats, reference) for board in boards]


def _board_data(board: Board, stats: bool, reference: str) -> dict[str, Any]:
    table = build_table(board)
    marks = differences(table, reference)
    ranks = {column: places(table.rows, column) for column in table.columns}
    origins = devices.origins(board)
    rows = [
        _row_data(row, board, table, ranks, marks) | {"other_origins": devices.data(origins, row.label)}
        for row in table.rows
    ]
    if stats:
        rows = [
            data | {"stats": stats_data(board, table, row)}
            for data, row in zip(rows, table.rows, strict=True)
        ]
    about: dict[str, Any] = {"suite": board.suite, "suite_digest": board.suite_digest}
    about |= {"metrics": {metric: scale.model_dump() for metric, scale in board.scales.items()}}
    ranked_over = {regime: sorted(shared(ranked)) for regime, ranked in rivals(table.rows).items()}
    resolutions = [resolution(table, column, reference) for column in table.columns]
    return about | {
        "track": board.track.model_dump(),
        "reference": reference if marks else None,
        "ranked_over": ranked_over,
        "devices": list(origins.usual),
        "ceilings": board.ceilings,
        "resolution": [one.data() for one in resolutions if one],
        "rows": rows,
    }


def _row_data(row: Row, board: Board, table: Table, ranks: Ranks, marks: Marks) -> dict[str, Any]:
    def cell(column: Column) -> dict[str, Any]:
        against, place = marks.get((row.label, column)), ranks[column].get(row.label)
        ranked = place._asdict() if place else {"place": None, "group": None, "ranks": None}
        copied = {"above_ceiling": copies(board, column, row.cells[column].mean)}
        about = {"summary": column.summary, "metric": column.metric} | ranked | copied
        about |= {"interval": interval(row.values[column])}
        return about | {"difference": against.data() if against else None} | row.cells[column]._asdict()

    variant = published().variants.get(row.label)
    unfinished = [
        {"order": o, "seed": s, "learned": row.partial.get((o, s), 0)}
        for o, s in sorted({*row.missing, *row.partial})
    ]
    return {
        "method": row.label,
        "title": row.title,
        "variant": variant.name if variant else None,
        "regime": row.regime,
        "runs": row.n,
        "whole": row.complete,
        "ranked": row.ranked,
        **({"tuned": row.tuned.model_dump(mode="json")} if row.tuned else {}),
        "unfinished": unfinished,
        "cells": [cell(column) for column in table.columns if column in row.cells],
    }
