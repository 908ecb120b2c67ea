"""`cbench clean`: removes what no record needs."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cbench.cli.options import AsJson, Out
from cbench.errors import BadInput, CheckFailed
from cbench.store.cleanup import Item, removable
from cbench.store.lease import clear
from cbench.utils.files import disk_usage
from cbench.utils.text import one_line


def verb(
    out: Out = Path("results"),
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only say what would go.")] = False,
    older_than: Annotated[
        float,
        typer.Option(min=0, help="Days that an entry which no record needs is kept: its run may yet go on."),
    ] = 14,
    max_gb: Annotated[
        float | None,
        typer.Option(min=0, help="What the folder may hold: younger entries go too, the oldest first."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Leavings of killed processes, damaged entries set aside, and entries that no record needs (while nobody
    works in the folder)."""
    if not (out / "store").is_dir():
        raise BadInput(f"no store in {out}")
    free = 0.0 if max_gb is None else disk_usage(out) - max_gb * 1e9
    found = removable(out, older_than, free)
    for item in found if yes else []:
        _remove(item.path)
    if as_json:
        typer.echo(
            json.dumps([{"path": str(item.path), "about": item.about, "bytes": item.size} for item in found])
        )
    else:
        _tell(found, yes)
    over = free - sum(item.size for item in found)
    if over > 0:
        raise CheckFailed(
            f"{out} holds {over / 1e9:.3g} GB more than {max_gb:g}: what its records cite, and what is at "
            "work, stays"
        )


def _tell(found: Sequence[Item], yes: bool) -> None:
    for item in found:
        typer.echo(one_line(f"{item.path}: {item.about}, {item.size / 1e6:.2f} MB"))
    done = "removed" if yes else "would be removed (--yes removes them)"
    typer.echo(
        f"{len(found)} of them, {sum(item.size for item in found) / 1e6:.2f} MB, {done}"
        if found
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
