"""Options that several verbs share, and how they are read."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from cbench.errors import BadInput, unknown
from cbench.jobs.profile import Profile, open_profile
from cbench.plugins import registry
from cbench.plugins.methods import option_values

RESULTS = Path("results")


def names(kind: registry.Kind) -> Callable[[str], list[str]]:
    """Completes a registered name in the shell."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in registry.entries(kind) if name.startswith(incomplete)]

    return complete


def suites(incomplete: str) -> list[str]:
    """Completes the name of a suite of any registered track."""
    from cbench.errors import CbenchError
    from cbench.plan import open_track

    suites: set[str] = set()
    for name in registry.entries("tracks"):
        with suppress(CbenchError):
            suites.update(open_track(name).suites)
    return sorted(suite for suite in suites if suite.startswith(incomplete))


ResultsFolder = Annotated[
    Path, typer.Option("--results", envvar="CBENCH_RESULTS", help="The results folder.")
]
ResultsFolders = Annotated[list[Path], typer.Argument(envvar="CBENCH_RESULTS", help="Results folders.")]
TrackName = Annotated[
    str,
    typer.Option(
        "--track",
        envvar="CBENCH_TRACK",
        help="The track: a name, or a YAML file.",
        autocompletion=names("tracks"),
    ),
]
SuiteName = Annotated[
    str | None,
    typer.Option(
        "--suite",
        envvar="CBENCH_SUITE",
        help="Only this suite (`cbench ls suites`).",
        autocompletion=suites,
    ),
]
BoardTrack = Annotated[
    str | None, typer.Option("--track", help="Only this track: NAME, NAME@DIGEST, or its file.")
]
BoardSuite = Annotated[str | None, typer.Option("--suite", help="Only this suite.")]
Device = Annotated[str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


EXECUTORS = ("inline", "local", "slurm")
JOBS = "Jobs (--executor local or slurm)"
Executor = Annotated[
    str,
    typer.Option(
        help="inline (in this process), local (processes of this machine), slurm.", rich_help_panel=JOBS
    ),
]
ProfileFile = Annotated[
    Path | None, typer.Option(help="A YAML file with a job's resources.", rich_help_panel=JOBS)
]
Partition = Annotated[str | None, typer.Option(help="SLURM partition.", rich_help_panel=JOBS)]
Account = Annotated[str | None, typer.Option(help="SLURM account.", rich_help_panel=JOBS)]
Gpus = Annotated[int | None, typer.Option(help="GPUs per job.", rich_help_panel=JOBS)]
Hours = Annotated[
    float | None,
    typer.Option(
        help="Time limit per job in hours; timed-out jobs are requeued and resume.", rich_help_panel=JOBS
    ),
]
Workers = Annotated[int | None, typer.Option(help="Jobs at a time.", rich_help_panel=JOBS)]


def resources(executor: str, profile: Path | None, flags: dict[str, Any]) -> Profile:
    """The resources of a job; BadInput for an unknown executor, or flags that it has no use for."""
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    if executor == "inline" and (profile or any(value is not None for value in flags.values())):
        raise BadInput(
            "--profile, --partition, --account, --gpus, --hours and --workers need --executor slurm or local"
        )
    return open_profile(profile, flags)


def is_default(context: typer.Context, parameter: str) -> bool:
    """Whether an option was given neither on the command line nor by its variable."""
    return getattr(context.get_parameter_source(parameter), "name", "DEFAULT") == "DEFAULT"


def pairs(words: list[str]) -> dict[str, str]:
    """`["share=0.5"]` -> `{"share": "0.5"}`; BadInput for a word without `=`, or a name given twice."""
    for word in words:
        if "=" not in word:
            raise BadInput(f"--set {word!r}: write it as name=value")
    values = dict(word.split("=", 1) for word in words)
    if len(values) < len(words):
        names = [word.split("=", 1)[0] for word in words]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"--set {twice}: given twice; for a run of each value write --set {twice}=A,B")
    return values


def listed(option: str, texts: list[str], known: Collection[str] = ()) -> list[str]:
    """The names of an option that may be repeated or list several (`naive,magmax`); BadInput if one is given
    twice."""
    names = [name for text in texts for name in ([text] if text in known else text.split(","))]
    if "" in names and any("," in text for text in texts):
        raise BadInput(f"{option} {','.join(texts)!r}: a name is empty")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{option} {twice}: given twice")
    return names


def option_sets(words: list[str], methods: Sequence[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Method -> option -> values, of `--set` words: `share=0.25,0.5` for every method, `average.share=0.5`
    for one. BadInput for a method that is not asked for, an option that a method does not have, and one given
    twice."""
    values: dict[str, dict[str, tuple[str, ...]]] = {method: {} for method in methods}
    for name, text in pairs(words).items():
        method, _, option = name.rpartition(".")
        if method and method not in values:
            raise unknown(f"method of --set {name}", method, methods)
        for one in [method] if method else methods:
            if option in values[one]:
                raise BadInput(f"--set {option}: given twice for {one}")
            values[one][option] = option_values(one, option, text)
    return values
