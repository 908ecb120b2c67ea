"""`cbench clean`: removes what no record needs."""

import json
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.errors import BadInput, CheckFailed
from cbench.posthoc.cleanup import Item, removable, undisturbed
from cbench.results import Results
from cbench.store.lease import clear
from cbench.utils.files import disk_usage
from cbench.utils.text import one_line


def verb(
    results: ResultsFolder = RESULTS,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only say what would go.")] = False,
    older_than: Annotated[
        float,
        typer.Option(min=0, help="Keep unreferenced entries for this many days."),
    ] = 14,
    max_gb: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Size limit of the folder; unreferenced entries go, the oldest first, whatever their age.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Leavings of killed processes, damaged entries set aside, and entries that no record needs (while nobody
    works in the folder)."""
    folder = Results(results)
    if not folder.store.root.is_dir():
        raise BadInput(f"no store in {results}")
    free = 0.0 if max_gb is None else disk_usage(results) - max_gb * 1e9
    with undisturbed(folder) if yes else nullcontext():
        items = removable(folder, older_than, free)
        for item in items if yes else []:
            _remove(item.path)
    if as_json:
        typer.echo(
            json.dumps([{"path": str(item.path), "about": item.about, "bytes": item.size} for item in items])
        )
    else:
        _tell(items, yes)
    over = free - sum(item.size for item in items)
    if over > 0:
        raise CheckFailed(
            f"{results} is still {over / 1e9:.3g} GB over {max_gb:g}: entries in use or cited by a record "
            "are never removed"
        )


def _tell(items: Sequence[Item], yes: bool) -> None:
    for item in items:
        typer.echo(one_line(f"{item.path}: {item.about}, {item.size / 1e6:.2f} MB"))
    done = "removed" if yes else "would be removed (--yes removes them)"
    typer.echo(
        f"{len(items)} of them, {sum(item.size for item in items) / 1e6:.2f} MB, {done}"
        if items
        else "nothing to remove"
    )


def _remove(path: Path) -> None:
    """A file or folder; whoever was faster is welcome."""
    if path.parent.name == "claims":
        clear(path)
    elif path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
