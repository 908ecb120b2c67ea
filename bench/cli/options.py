"""Options that several verbs share, and how they are read."""

from pathlib import Path
from typing import Annotated

import typer

from cbench.errors import BadInput

RESULTS = Path("results")
ResultsFolder = Annotated[
    Path, typer.Option("--results", envvar="CBENCH_RESULTS", help="The results folder.")
]
ResultsFolders = Annotated[list[Path], typer.Argument(envvar="CBENCH_RESULTS", help="Results folders.")]
TrackName = Annotated[
    str, typer.Option("--track", envvar="CBENCH_TRACK", help="The track: a name, or a YAML file.")
]
SuiteName = Annotated[
    str | None, typer.Option("--suite", envvar="CBENCH_SUITE", help="Only this suite (`cbench ls suites`).")
]
BoardTrack = Annotated[
    str | None, typer.Option("--track", help="Only this track: NAME, NAME@DIGEST, or its file.")
]
BoardSuite = Annotated[str | None, typer.Option("--suite", help="Only this suite.")]
Device = Annotated[str, typer.Option("--device", envvar="CBENCH_DEVICE", help="auto, cpu, cuda, cuda:1, ...")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def pairs(words: list[str]) -> dict[str, str]:
    """`["share=0.5"]` -> `{"share": "0.5"}`; BadInput for a word without `=`, or a name given twice."""
    for word in words:
        if "=" not in word:
            raise BadInput(f"--set {word!r}: write it as name=value")
    values = dict(word.split("=", 1) for word in words)
    if len(values) < len(words):
        names = [word.split("=", 1)[0] for word in words]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"--set {twice}: given twice")
    return values
