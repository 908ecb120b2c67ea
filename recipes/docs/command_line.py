"""Prints the reference of the command line as markdown: every verb with its arguments and options, read from
the commands themselves."""

from enum import Enum
from pathlib import Path
from typing import Any

import typer

from cbench.cli import VERBS, app

HELP = ("--install-completion", "--show-completion", "--help")


def names(parameter: Any) -> str:
    """`--method`; of an argument its name in capitals."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`"
    return ", ".join(f"`{flag}`" for flag in parameter.opts)


def default(parameter: Any) -> str:
    """The default value; an option without one that must be given says so."""
    if parameter.required:
        return "required"
    value = parameter.default
    values = value if isinstance(value, list | tuple) else [value]
    listed = [getattr(v, "value", v) for v in values]
    return " ".join(
        f"`{v}`" for v in listed if isinstance(v, str | int | float | Path) and v not in ("", False)
    )


def about(parameter: Any) -> str:
    """The help text on one line, with the choices of an enumeration."""
    choices = (
        [f"`{choice.value}`" for choice in type(parameter.default)]
        if isinstance(parameter.default, Enum)
        else []
    )
    text = (parameter.help or "") + (f" One of {', '.join(choices)}." if choices else "")
    return " ".join(text.replace("|", "\\|").split())


def cells(parameter: Any) -> list[str]:
    """One line of a verb's table."""
    return [
        names(parameter),
        about(parameter),
        default(parameter),
        f"`{parameter.envvar}`" if parameter.envvar else "",
    ]


def table(panel: str | None, listed: list[Any]) -> str:
    """The options of one panel of the help; a column without an entry is left out."""
    rows = [["option", "meaning", "default", "variable"], *map(cells, listed)]
    filled = [i for i, column in enumerate(zip(*rows[1:], strict=True)) if any(column)]
    lines = [" | ".join(["", *(line[i] for i in filled), ""]).strip() for line in rows]
    title = [f"{panel}:", ""] if panel else []
    return "\n".join([*title, lines[0], "|" + "---|" * len(filled), *lines[1:], ""])


def section(name: str, command: Any) -> str:
    """Heading, usage, description and table of one verb."""
    listed = [p for p in command.params if not set(p.opts) & set(HELP)]
    given = [
        p.name.upper() if p.required else f"[{p.name.upper()}]"
        for p in listed
        if p.param_type_name == "argument"
    ]
    wanted = [f"{p.opts[0]} {p.name.upper()}" for p in listed if p.param_type_name == "option" and p.required]
    usage = " ".join(["cbench", name, *given, *wanted, "[OPTIONS]"])
    more = " ".join((command.callback.__doc__ or "").split())
    text = VERBS[name] if more == VERBS[name] else f"{VERBS[name]} {more}"
    panels = dict.fromkeys(getattr(p, "rich_help_panel", None) for p in listed)
    tables = [
        table(panel, [p for p in listed if getattr(p, "rich_help_panel", None) == panel]) for panel in panels
    ]
    return "\n".join([f"## {name}", "", text, "", "```text", usage, "```", "", *tables])


def main() -> None:
    """The sections of all verbs."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("cbench", [], resilient_parsing=True)
    for name in group.list_commands(context):
        print(section(name, group.get_command(context, name)))


if __name__ == "__main__":
    main()
