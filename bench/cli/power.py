"""`cbench power`: what stored runs resolve, and what it takes to resolve more."""

import json
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, BoardSuite, BoardTrack, ResultsFolders
from cbench.errors import BadInput
from cbench.leaderboard import page
from cbench.leaderboard.collect import boards
from cbench.leaderboard.io import load, no_collection
from cbench.leaderboard.power_report import Question, answer, asked, text
from cbench.leaderboard.statistics import ALPHA
from cbench.leaderboard.stop_rule import plan


def _counts(option: str, listed: str) -> tuple[int, ...]:
    """`"4,8,12"` -> (4, 8, 12); BadInput for anything that is no list of numbers from 2 to 1000."""
    words = [word.strip() for word in listed.split(",")]
    if not all(word.isascii() and word.isdigit() and 2 <= int(word[:9]) <= 1000 for word in words):
        raise BadInput(f"{option} {listed!r}: name numbers of orders from 2 to 1000, such as 4,8,12")
    return tuple(map(int, words))


def verb(
    results: ResultsFolders = [RESULTS],  # noqa: B006 - typer wants a list
    methods: Annotated[
        tuple[str, str] | None, typer.Option(help="Two methods, in place of every method and the reference.")
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(help="A summary such as score, or SUMMARY/METRIC; else score and forgetting."),
    ] = None,
    suite: BoardSuite = None,
    track: BoardTrack = None,
    against: Annotated[str, typer.Option(help="The reference method.")] = page.REFERENCE,
    orders: Annotated[str, typer.Option(help="Numbers of orders to tabulate.")] = "4,8,12,16",
    seeds: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Seeds of each order to come; else as stored.")
    ] = None,
    compared: Annotated[
        int, typer.Option(min=1, max=10_000, help="Number of comparisons that share the level 0.05.")
    ] = 1,
    looks: Annotated[
        str | None, typer.Option(help="Plan looks after these numbers of orders, the last one being the end.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The smallest difference that a number of orders detects with 80 % power, the orders that two methods
    need, and their hours."""
    for name in methods or ():
        if name.startswith("-"):
            raise BadInput("--methods takes two names with a space between them")
    if methods and methods[0] == methods[1]:
        raise BadInput(f"--methods {methods[0]} {methods[1]}: name two different methods")
    question = Question(
        methods=methods,
        reference=against,
        column=column,
        orders=tuple(sorted({*_counts("--orders", orders)})),
        seeds=seeds,
        compared=compared,
        looks=plan(_counts("--looks", looks), ALPHA / compared) if looks else (),
    )
    with no_collection():
        tables = asked(boards(load(results), track, suite), question)
        answers = [answer(board, question) for board in tables]
        typer.echo(json.dumps([one.data() for one in answers], indent=2) if as_json else text(answers))
