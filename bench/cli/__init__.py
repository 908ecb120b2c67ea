"""The command line: `cbench VERB`. One file a verb, imported when it is called."""

import io
import os
import shlex
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

import cbench
from cbench.errors import BadInput, CbenchError, Incomplete, Interrupted, gpu_lost, memory_ran_out, of_system
from cbench.utils.interrupt import announce, stop_requested, stoppable
from cbench.utils.text import one_line

VERBS = {
    "run": "Run methods on suites and store the records.",
    "tune": "Choose a method's strengths by trials on a validation stream.",
    "ls": "List methods, metrics, suites, tracks or runs.",
    "show": "Print one stored run: matrix, summaries, costs, provenance.",
    "leaderboard": "Print the tables of stored runs as markdown.",
    "board": "Write the leaderboard as pages to sort, filter and look at.",
    "power": "Say what stored runs resolve, and what it takes to resolve more.",
    "compare": "Compare two runs or two results folders.",
    "score": "Score stored images by one more metric.",
    "diagnose": "Measure what else a run did: alignment, drift, leakage, confusion.",
    "check": "Hold records against a baseline.",
    "figures": "Draw the figures of stored runs.",
    "export": "Write what a run learned as LoRA safetensors.",
    "prepare": "Say what a track needs, and fetch it.",
    "doctor": "Check device, memory, disk, weights, data and plugins.",
    "status": "Show where submitted runs stand.",
    "logs": "Print what submitted runs printed.",
    "verify": "Hold every stored file against its checksum.",
    "clean": "Remove what no record needs.",
}
"""Verb -> its line in the help; the function `verb` of `cbench.cli.<verb>` is the command."""

TRUE = ("1", "true", "t", "yes", "y", "on")
"""What click takes for true in an environment variable."""
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


app = typer.Typer(cls=LazyVerbs, rich_markup_mode=None, no_args_is_help=True)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(cbench.__version__)
        raise typer.Exit


@app.callback()
def cbench_options(
    debug: bool = typer.Option(
        False, "--debug", envvar="CBENCH_DEBUG", help="Show the traceback of an error."
    ),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Benchmark of continual personalization of text-to-image diffusion models."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: exit codes 0 done, 1 a check failed, 2 bad input, 3 incomplete, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if (
        "OMP_WAIT_POLICY" not in os.environ
    ):  # before torch: its threads spin briefly, not while others want the cores
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    debug = "--debug" in words or os.environ.get("CBENCH_DEBUG", "").lower() in TRUE
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows few characters is told their codes
            stream.reconfigure(errors="backslashreplace")
    with stoppable():
        sys.exit(call([w for w in words if w != "--debug"], debug))


def call(words: list[str], debug: bool = False) -> int:
    """The exit code of a command; what went wrong is one line on standard error."""
    try:
        code = app(words, standalone_mode=False, prog_name="cbench") or 0
        if code == Interrupted.code:  # newer typers swallow the interrupt and give its code
            raise KeyboardInterrupt
        return code
    except typer.Exit as stop:
        return stop.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        if debug and not isinstance(error, USAGE):
            raise
        line, code = message(
            error if isinstance(error, Interrupted) or not stop_requested() else KeyboardInterrupt(), words
        )
        if code == Interrupted.code:
            announce()
        print(f"cbench: {line}", file=sys.stderr)
        return code


def message(error: BaseException, words: Sequence[str]) -> tuple[str, int]:
    """The line that names what went wrong, and the exit code."""
    resume = f"resume with: {one_line(shlex.join(['cbench', *words]))}"
    match error:
        case Interrupted():
            return f"{one_line(error)}; {resume}", error.code
        case CbenchError():
            return one_line(error, 2000), error.code
        case KeyboardInterrupt() | typer.Abort():
            return f"interrupted; {resume}", Interrupted.code
        case USAGE():
            return one_line(error.format_message()), BadInput.code
        case OSError():
            problem = of_system(error)
            return one_line(problem), problem.code
    if type(error).__name__ == "UncompletedJobError":  # submitit's, in a job
        return f"out of time ({one_line(error)}); what is done is kept, {resume}", Incomplete.code
    if memory_ran_out(error):
        return (
            f"out of memory ({one_line(error) or 'of the machine'}); what is done is kept, {resume}",
            Incomplete.code,
        )
    if gpu_lost(error):
        return (
            f"the GPU no longer answers ({one_line(error, 200)}); what is done is kept, {resume}",
            Incomplete.code,
        )
    return (
        (
            f"unexpected {type(error).__name__}: {one_line(error)}; this is a fault of cbench, --debug shows "
            "where"
        ),
        BadInput.code,
    )
