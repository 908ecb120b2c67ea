"""The command line: `cbench VERB`. One file a verb, imported when it is called."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

import cbench
from cbench.errors import CbenchError

VERBS = {
    "run": "Run a method on a suite and store the record.",
    "ls": "List methods, metrics, suites, tracks or runs.",
    "show": "Print one stored run: matrix, summaries, costs, provenance.",
    "leaderboard": "Print the tables of stored runs as markdown.",
    "compare": "Compare two runs or two results folders.",
    "score": "Score stored images by one more metric.",
    "check": "Hold records against a baseline.",
    "figures": "Draw the figures of stored runs.",
}
"""Verb -> its line in the help; the function `verb` of `cbench.cli.<verb>` is the command."""

INTERRUPTED = 130
USAGE: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for a wrong command line; its click is its own or the package, by version."""


class LazyVerbs(TyperGroup):
    """A group that imports a verb's module only when the verb is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: Any, name: str) -> Any:
        """The verb's command, or None (click then suggests the nearest)."""
        if name not in VERBS:
            return None
        app = typer.Typer(add_completion=False)
        app.command(name, help=VERBS[name])(import_module(f"cbench.cli.{name.replace('-', '_')}").verb)
        return typer.main.get_command(app)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table of verbs, without importing any of them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


app = typer.Typer(cls=LazyVerbs, add_completion=False, rich_markup_mode=None, no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(cbench.__version__)
        raise typer.Exit


@app.callback()
def cbench_options(
    debug: bool = typer.Option(False, "--debug", envvar="CBENCH_DEBUG", help="Show the traceback of an error."),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Benchmark of continual personalization of text-to-image diffusion models."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: exit codes 0 done, 1 a check failed, 2 bad input, 3 incomplete, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or bool(os.environ.get("CBENCH_DEBUG"))
    words = [w for w in words if w != "--debug"]
    try:
        code = app(words, standalone_mode=False, prog_name="cbench") or 0
    except typer.Exit as stop:
        code = stop.exit_code
    except USAGE as error:
        print(f"cbench: {' '.join(str(error.format_message()).split())}", file=sys.stderr)
        code = 2
    except CbenchError as error:
        if debug:
            raise
        print(f"cbench: {error}", file=sys.stderr)
        code = error.code
    except (KeyboardInterrupt, typer.Abort):
        print("cbench: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)
