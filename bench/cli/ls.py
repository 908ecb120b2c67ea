"""`cbench ls`: what there is, by kind."""

import dataclasses
import json
from typing import Annotated, Any

import typer

from cbench.cli.options import RESULTS, AsJson, ResultsFolder
from cbench.errors import CbenchError, unknown
from cbench.plan import open_track
from cbench.plugins import registry
from cbench.plugins.methods import default_of, method_class
from cbench.record.record import Record
from cbench.results import Results
from cbench.utils.text import printable

KINDS = (*registry.KINDS, "runs")


def verb(
    kind: Annotated[
        str, typer.Argument(help="methods, metrics, suites, tracks or runs; all but runs by default.")
    ] = "",
    results: ResultsFolder = RESULTS,
    as_json: AsJson = False,
) -> None:
    """List methods, metrics, suites, tracks or runs."""
    if kind and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    rows = (
        {"runs": _runs(Results(results))}
        if kind == "runs"
        else {k: _registered(k) for k in registry.KINDS if kind in ("", k)}
    )
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for name, lines in rows.items():
        typer.echo(f"{name}:")
        for line in lines:
            typer.echo("  " + "  ".join(_text(v) for v in line.values() if v not in ("", None, {})))


def _registered(kind: registry.Kind) -> list[dict[str, Any]]:
    """A row for each name; a broken plugin's row says what is wrong and harms no other."""
    if kind == "suites":
        return _suites()
    if kind == "methods":
        return [_method(name) for name in registry.entries("methods")]
    return [
        {
            "name": name,
            "package": registry.package(same[0]),
            "trouble": registry.clash(kind, name, same) or "",
        }
        for name, same in registry.entries(kind).items()
    ]


def _method(name: str) -> dict[str, Any]:
    """What `ls` says of a method: title, regime, family, source, and its options with their defaults."""
    same = registry.entries("methods")[name]
    row: dict[str, Any] = {"name": name, "package": registry.package(same[0])}
    try:
        cls = method_class(name)
        options = {field.name: default_of(field) for field in dataclasses.fields(cls)}
    except CbenchError as error:
        return row | {"trouble": str(error)}
    return row | {
        "title": cls.title,
        "regime": cls.regime,
        "family": cls.family,
        "source": cls.source,
        "options": options,
        "trouble": registry.clash("methods", name, same) or "",
    }


def _text(value: Any) -> str:
    """A cell for people; options as `name=default`."""
    return printable(
        " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else f"{value}"
    )


def _suites() -> list[dict[str, Any]]:
    """The suites of every track that loads."""
    rows: list[dict[str, Any]] = []
    for name in registry.entries("tracks"):
        try:
            track = open_track(name)
        except CbenchError as error:
            rows.append({"name": name, "trouble": str(error)})
            continue
        rows += [
            {"name": s, "track": name, "metrics": " ".join(spec.metrics)} for s, spec in track.suites.items()
        ]
    return rows


def _runs(results: Results) -> list[dict[str, Any]]:
    def row(record: Record) -> dict[str, Any]:
        state = "complete" if record.complete else "incomplete"
        return {
            "name": record.file_name.removesuffix(".json"),
            "tasks": f"{record.learned}/{len(record.tasks)}",
            "state": state,
        }

    return [row(record) for record in results.records()]
