"""A leaderboard as one markdown page: a pure function of the boards, the same bytes for the same records."""

from collections.abc import Iterable, Sequence
from typing import Any

from cbench.leaderboard import stats_sections
from cbench.leaderboard.collect import BASE, Board
from cbench.leaderboard.markdown import code, grid, mean_std, medal, number, plain
from cbench.leaderboard.paper_comparison import beside_published
from cbench.leaderboard.published import published
from cbench.leaderboard.statistics import Run
from cbench.leaderboard.stats_data import stats_data
from cbench.leaderboard.table import (
    ALPHA,
    Column,
    Marks,
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

REFERENCE = "naive"
"""The default reference method: plain fine-tuning."""
LISTED_RUNS = 4
INTRO = (
    "Average score (higher is better) and average forgetting (lower is better) of each metric: mean ± "
    "population standard deviation over runs; a run is one order of the tasks and one training seed. Best in "
    "**bold**, second best <u>underlined</u>."
)


Medals = dict[Column, dict[str, int]]


def heading(board: Board) -> str:
    """The board's suite and protocol."""
    name, version, digest = plain(board.track.name), board.track.version, code(board.track.digest[:12])
    return f"## {plain(board.suite)}: track {name}, version {version}, digest {digest}"


def _row(row: Row, table: Table, medals: Medals, marks: Marks) -> list[str]:
    def cell(column: Column) -> str:
        against, values = marks.get((row.label, column)), row.cells.get(column)
        fewer = f" ({values.n} runs)" if values and values.n < row.n else ""
        mark = "†" if against and against.significant else ""
        return medal(mean_std(values), medals[column].get(row.label)) + mark + fewer

    star = "" if row.complete else " \\*"
    variant = published().variants.get(row.label)
    title = f"{row.title}, {variant.name}" if variant else row.title
    name = f"{plain(title)} {code(row.label)}" + ("" if row.regime == "strict" else f" ({row.regime})")
    return [name + (" ‡" if row.tuned else "") + star, f"{row.n}", *map(cell, table.columns)]


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


def notes(board: Board, table: Table, marks: Marks, reference: str) -> list[str]:
    """The legend of the table's marks, one line each, only for marks that occur."""
    lines = []
    incomplete = [_unfinished(row, board.tasks) for row in table.rows if not row.complete]
    if incomplete:
        lines.append(
            "\\* lacks runs that other methods of this table have; its numbers are over its own complete "
            f"runs. {'. '.join(incomplete)}."
        )
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
        f"‡ {code(label)}: {plain(options)} chosen by `cbench tune` from {tuned.trials} trials, by the "
        f"{plain(tuned.objective)} on a validation stream with a seed of its own."
    )


def _significance(marks: Marks, reference: str) -> list[str]:
    lines = []
    if any(against.significant for against in marks.values()):
        lines.append(
            f"† differs from {code(reference)} over the runs that both have (exact sign-flip test, "
            f"Wilcoxon's above 16 runs, p < {ALPHA} after Holm's correction for the methods compared)."
        )
    if marks and (floor := least(marks)) >= ALPHA:
        lines.append(
            f"Too few shared runs to detect a difference from {code(reference)}: the smallest p that they "
            f"allow is {number(floor)} after Holm's correction."
        )
    return lines


def section(board: Board, stats: bool, reference: str) -> str:
    """One board: its table, the notes, with `stats` the statistics, and the comparison with the paper."""
    table = build_table(board)
    marks = differences(table, reference)
    medals = {column: places(table.rows, column) for column in table.columns}
    head = ["method", "runs", *(plain(column.title) for column in table.columns)]
    parts = [heading(board), grid(head, [_row(row, table, medals, marks) for row in table.rows])]
    parts += notes(board, table, marks, reference)
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
    medals = {column: places(table.rows, column) for column in table.columns}
    rows = [_row_data(row, table, medals, marks) for row in table.rows]
    if stats:
        rows = [
            data | {"stats": stats_data(board, table, row)}
            for data, row in zip(rows, table.rows, strict=True)
        ]
    about = {"suite": board.suite, "suite_digest": board.suite_digest, "track": board.track.model_dump()}
    ranked_over = {regime: sorted(shared(ranked)) for regime, ranked in rivals(table.rows).items()}
    return about | {"reference": reference if marks else None, "ranked_over": ranked_over, "rows": rows}


def _row_data(row: Row, table: Table, medals: Medals, marks: Marks) -> dict[str, Any]:
    def cell(column: Column) -> dict[str, Any]:
        against, place = marks.get((row.label, column)), medals[column].get(row.label)
        about = {"summary": column.summary, "metric": column.metric, "place": place}
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
