"""A leaderboard as one markdown page: a pure function of the boards, the same bytes for the same records."""

from collections.abc import Iterable, Sequence
from typing import Any

from cbench.leaderboard import stats_sections as details
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
    differences,
    least,
    places,
    rivals,
    shared,
    table,
)

REFERENCE = "naive"
"""The method that the others are held against unless told otherwise: plain fine-tuning, what every remedy
must beat."""
SHOWN_RUNS = 4
INTRO = (
    "Average score (higher is better) and average forgetting (lower is better) of each metric: mean ± "
    "population standard deviation over "
    "runs, a run being one order of the tasks and one training seed. Best **bold**, second <u>underlined</u>."
)


Medals = dict[Column, dict[str, int]]


def heading(board: Board) -> str:
    """The board's suite and protocol."""
    track = board.track
    return (
        f"## {plain(board.suite)}: track {plain(track.name)}, version {track.version}, digest "
        f"{code(track.digest[:12])}"
    )


def _row(row: Row, made: Table, medals: Medals, marks: Marks) -> list[str]:
    def cell(column: Column) -> str:
        against, found = marks.get((row.label, column)), row.cells.get(column)
        fewer = f" ({found.n} runs)" if found and found.n < row.n else ""
        return (
            medal(mean_std(found), medals[column].get(row.label))
            + ("†" if against and against.holds else "")
            + fewer
        )

    star = "" if row.whole else " \\*"
    variant = published().variants.get(row.label)
    title = f"{row.title}, {variant.name}" if variant else row.title
    name = f"{plain(title)} {code(row.label)}" + ("" if row.regime == "strict" else f" ({row.regime})")
    return [name + star, f"{row.n}", *map(cell, made.columns)]


def _runs(runs: Iterable[Run]) -> str:
    listed = [f"order {order} seed {seed}" for order, seed in runs]
    more = f" and {len(listed) - SHOWN_RUNS} more" if len(listed) > SHOWN_RUNS else ""
    return ", ".join(listed[:SHOWN_RUNS]) + more


def _unfinished(row: Row, tasks: int) -> str:
    lacks = (
        [f"lacks {_runs(run for run in row.missing if run not in row.partial)}"]
        if set(row.missing) - row.partial.keys()
        else []
    )
    stops = [
        f"order {o} seed {s} ended after {learned} of {tasks} tasks"
        for (o, s), learned in list(row.partial.items())[:SHOWN_RUNS]
    ]
    more = [f"{len(row.partial) - SHOWN_RUNS} more ended early"] if len(row.partial) > SHOWN_RUNS else []
    return f"{code(row.label)}: {'; '.join(lacks + stops + more)}"


def _ranked_over(ranked: Sequence[Row]) -> str:
    """What rows of unequal runs are ranked over."""
    runs, methods = sorted(shared(ranked)), ", ".join(code(row.label) for row in ranked)
    if not runs:
        return f"No best and no second of {methods}: they share no complete run."
    return (
        f"Best and second of {methods} are by the means over the runs that all of them share: {_runs(runs)}."
    )


def notes(board: Board, made: Table, marks: Marks, reference: str) -> list[str]:
    """What the marks of the table mean, one line each, only for marks that are there."""
    said = []
    if any(not row.whole for row in made.rows):
        told = ". ".join(_unfinished(row, board.tasks) for row in made.rows if not row.whole)
        said.append(
            f"\\* without all the runs of this table: its numbers are over its own complete runs. {told}."
        )
    said += [
        _ranked_over(ranked)
        for ranked in rivals(made.rows).values()
        if any(row.n > len(shared(ranked)) for row in ranked)
    ]
    if any(against.holds for against in marks.values()):
        said.append(
            f"† differs from {code(reference)} over the runs that both have "
            f"(exact sign-flip test, Wilcoxon's beyond 16 runs, p < {ALPHA} after Holm's correction for the "
            "methods compared)."
        )
    if marks and (floor := least(marks)) >= ALPHA:
        said.append(
            f"No difference from {code(reference)} can be told from chance with so few shared runs: "
            f"the least p that they allow is {number(floor)} after Holm's correction."
        )
    if any(row.label == BASE for row in made.rows):
        said.append(
            f"{code(BASE)} is a reference: it learns nothing, has nothing to forget and is not ranked."
        )
    said += [
        f"{code(label)}, {v.name}: {plain(v.about)}."
        for label, v in published().variants.items()
        if label in board.entries
    ]
    if any(row.regime != "strict" for row in made.rows):
        said.append(
            "Rows of another regime than strict name it; replay is ranked apart, an oracle is a bound and "
            "not ranked."
        )
    return said


def section(board: Board, stats: bool, reference: str) -> str:
    """One board: its table, the notes, with `stats` the details, and what the paper has beside it."""
    made = table(board)
    marks = differences(made, reference)
    medals = {column: places(made.rows, column) for column in made.columns}
    head = ["method", "runs", *(plain(column.title) for column in made.columns)]
    parts = [heading(board), grid(head, [_row(row, made, medals, marks) for row in made.rows])]
    parts += notes(board, made, marks, reference)
    parts += details.sections(board, made, marks, reference) if stats else []
    return "\n\n".join([*parts, *beside_published(board, made)])


def page(boards: Sequence[Board], stats: bool = False, reference: str = REFERENCE) -> str:
    """The whole page."""
    return (
        "\n\n".join(["# Leaderboard", INTRO, *(section(board, stats, reference) for board in boards)]) + "\n"
    )


def data(boards: Sequence[Board], stats: bool = False, reference: str = REFERENCE) -> list[dict[str, Any]]:
    """The same tables for programs: plain values, ready for JSON."""
    return [_board_data(board, stats, reference) for board in boards]


def _board_data(board: Board, stats: bool, reference: str) -> dict[str, Any]:
    made = table(board)
    marks = differences(made, reference)
    medals = {column: places(made.rows, column) for column in made.columns}
    more = [{"stats": stats_data(board, made, row)} if stats else {} for row in made.rows]
    rows = [_row_data(row, made, medals, marks) | told for row, told in zip(made.rows, more, strict=True)]
    about = {"suite": board.suite, "suite_digest": board.suite_digest, "track": board.track.model_dump()}
    ranked_over = {regime: sorted(shared(ranked)) for regime, ranked in rivals(made.rows).items()}
    return about | {"reference": reference if marks else None, "ranked_over": ranked_over, "rows": rows}


def _row_data(row: Row, made: Table, medals: Medals, marks: Marks) -> dict[str, Any]:
    def cell(column: Column) -> dict[str, Any]:
        against, place = marks.get((row.label, column)), medals[column].get(row.label)
        told = (
            against.difference.data() | {"p_holm": against.p_holm, "holds": against.holds}
            if against
            else None
        )
        return {
            "summary": column.summary,
            "metric": column.metric,
            "place": place,
            "difference": told,
        } | row.cells[column]._asdict()

    variant = published().variants.get(row.label)
    about = {
        "method": row.label,
        "title": row.title,
        "variant": variant.name if variant else None,
        "regime": row.regime,
        "runs": row.n,
        "whole": row.whole,
        "ranked": row.ranked,
    }
    unfinished = [
        {"order": o, "seed": s, "learned": row.partial.get((o, s), 0)}
        for o, s in sorted({*row.missing, *row.partial})
    ]
    return about | {
        "unfinished": unfinished,
        "cells": [cell(column) for column in made.columns if column in row.cells],
    }
