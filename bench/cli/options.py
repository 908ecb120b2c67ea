"""Options that several verbs share, and how they are read."""

from pathlib import Path
from typing import Annotated

import typer

from cbench.errors import BadInput

Out = Annotated[Path, typer.Option("--out", envvar="CBENCH_OUT", help="The results folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def pairs(words: list[str]) -> dict[str, str]:
    """`["exact=true"]` -> `{"exact": "true"}`; BadInput for a word without `=`."""
    for word in words:
        if "=" not in word:
            raise BadInput(f"--set {word!r}: write it as name=value")
    return dict(word.split("=", 1) for word in words)
